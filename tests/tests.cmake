# How the tests are built. Included by common/build.cmake where BUILD_TESTING is on.

add_library(test-support STATIC tests/support/process.cpp tests/support/peer.cpp ${ZMQ_EXAMPLES_CATCH_MAIN})
target_include_directories(test-support PUBLIC tests/support)
target_link_libraries(test-support PUBLIC catch2 ZeroMQ)
target_compile_definitions(test-support PUBLIC
  BINARY_DIR="${CMAKE_BINARY_DIR}" SOURCE_DIR="${CMAKE_SOURCE_DIR}")

# example_test(NAME SOURCE... [LABELS label...]): an executable NAME-test, each of its test cases a
# test of ctest's. The time limit only catches a hang.
function(example_test name)
  cmake_parse_arguments(arg "" "" "LABELS" ${ARGN})
  add_executable(${name}-test ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name}-test PRIVATE test-support)
  set_target_properties(${name}-test PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  catch_discover_tests(${name}-test PROPERTIES
    TIMEOUT 120 LABELS "${name};${arg_LABELS}"
    ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp")
endfunction()

# The notes, continued.
foreach(section 09 10 11 12 13 14 15)
  example_test(notes-${section} tests/notes/section-${section}.cpp LABELS notes)
endforeach()
