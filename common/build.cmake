# How everything is built; ../CMakeLists.txt says what.

option(ZMQ_EXAMPLES_DOWNLOAD "Download libzmq and Catch2 where the system has none" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow)

include(common/dependencies.cmake)

add_library(common STATIC common/connections.cpp common/errors.cpp common/interrupt.cpp
                          common/numbers.cpp common/options.cpp common/output.cpp common/threads.cpp)
target_include_directories(common PUBLIC common)
target_link_libraries(common PUBLIC ZeroMQ)

if(BUILD_TESTING)
  include(tests/tests.cmake)
endif()

# pattern(FOLDER PROGRAM...): FOLDER/PROGRAM.cpp is built as FOLDER/PROGRAM, by a target called
# FOLDER-PROGRAM; the target FOLDER builds them all; tests/FOLDER.cpp tests them, and
# tests/FOLDER-secure.cpp, where there is one.
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
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/tests/${folder}.cpp)
    message(FATAL_ERROR "${folder} has no test: write tests/${folder}.cpp")
  endif()
  if(BUILD_TESTING)
    set(tests tests/${folder}.cpp)
    if(EXISTS ${CMAKE_SOURCE_DIR}/tests/${folder}-secure.cpp)
      list(APPEND tests tests/${folder}-secure.cpp)
    endif()
    example_test(${folder} ${tests})
    add_dependencies(${folder}-test ${folder})
    add_dependencies(programs-test ${folder})
    add_dependencies(bench ${folder})
    if(TARGET hostile-test)
      add_dependencies(hostile-test ${folder})
    endif()
    if(TARGET soak-test)
      add_dependencies(soak-test ${folder})
    endif()
    if(EXISTS ${CMAKE_SOURCE_DIR}/${folder}/README.md)
      page_test(${folder}/README.md)
    endif()
  endif()
endfunction()
