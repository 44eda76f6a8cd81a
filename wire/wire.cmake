# build/wire/trace, for ./run trace, and the target `traces`, which records all patterns again. Not part
# of `all`: the recordings are committed, and strace is needed (Linux).
add_library(wire STATIC EXCLUDE_FROM_ALL wire/zmtp.cpp wire/json.cpp wire/draw.cpp wire/strace.cpp)
target_include_directories(wire PUBLIC wire)
if(CMAKE_SYSTEM_NAME STREQUAL Linux)
  add_executable(trace EXCLUDE_FROM_ALL wire/trace.cpp)
  target_link_libraries(trace PRIVATE wire)
  set_target_properties(trace PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/wire)

  file(RELATIVE_PATH built ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  add_custom_target(traces COMMAND sh -c
    "./run | sed -n 's/^\\([a-z][a-z0-9-]*\\)   *.*/\\1/p' | grep -v mt-ready | while read pattern; do echo $pattern && BUILT='${built}' ./run trace $pattern --json docs/wire/$pattern.json --svg docs/$pattern-wire.svg >/dev/null || exit 1; done && '${built}'/wire/trace --draw docs/wire/req-rep.json --handshake --svg docs/wire-handshake.svg >/dev/null"
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM)
  get_property(programs TARGET common PROPERTY PROGRAMS)
  string(REPLACE "/" "-" programs "${programs}")
  add_dependencies(traces trace ${programs})
endif()
