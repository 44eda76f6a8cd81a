# The target `trace`: build/wire/trace, for ./run trace. Linux only, where strace is; it needs no libzmq.
add_library(wire STATIC EXCLUDE_FROM_ALL wire/zmtp.cpp wire/recording.cpp wire/json.cpp wire/draw.cpp wire/strace.cpp)
target_include_directories(wire PUBLIC wire)
add_executable(trace EXCLUDE_FROM_ALL wire/trace.cpp)
target_link_libraries(trace PRIVATE wire)
set_target_properties(trace PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/wire)
