# How everything is built; ../CMakeLists.txt says what.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow)

include(cmake/dependencies.cmake)

add_library(common STATIC common/errors.cpp common/interrupt.cpp common/options.cpp
                          common/output.cpp common/sockets.cpp common/threads.cpp)
target_include_directories(common PUBLIC common)
target_link_libraries(common PUBLIC ZeroMQ)

if(BUILD_TESTING)
  include(tests/tests.cmake)
endif()

# pattern(FOLDER PROGRAM...): FOLDER/PROGRAM.cpp is built as FOLDER/PROGRAM, by a target called
# FOLDER-PROGRAM; the target FOLDER builds them all; tests/FOLDER.cpp tests them.
function(pattern folder)
  foreach(program IN LISTS ARGN)
    add_executable(${folder}-${program} ${folder}/${program}.cpp)
    set_target_properties(${folder}-${program} PROPERTIES
      OUTPUT_NAME ${program} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${folder})
    target_link_libraries(${folder}-${program} PRIVATE common)
    set_property(TARGET common APPEND PROPERTY PROGRAMS ${folder}/${program})
    list(APPEND programs ${folder}-${program})
  endforeach()
  add_custom_target(${folder} DEPENDS ${programs})
  if(BUILD_TESTING)
    test_pattern(${folder})  # in tests/tests.cmake
  endif()
endfunction()
