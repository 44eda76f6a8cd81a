# How the tests are built. Included by cmake/build.cmake where BUILD_TESTING is on.

add_library(test-support STATIC tests/support/process.cpp tests/support/peer.cpp tests/support/tcp.cpp
                                tests/support/relay.cpp ${ZMQ_EXAMPLES_CATCH_MAIN})
target_include_directories(test-support PUBLIC tests/support)
target_link_libraries(test-support PUBLIC catch2 common wire)
target_compile_definitions(test-support PUBLIC
  BINARY_DIR="${CMAKE_BINARY_DIR}" SOURCE_DIR="${CMAKE_SOURCE_DIR}")

# atexit_sleep_ms: by default ThreadSanitizer holds up the end of each process for a second.
set(ZMQ_EXAMPLES_TSAN
  "TSAN_OPTIONS=atexit_sleep_ms=0:suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp")

# example_test(NAME SOURCE... [LABELS label]): an executable NAME-test, each of its test cases a
# test of ctest's, labelled NAME or with the label. (One: catch_discover_tests takes a list apart,
# and what follows it is lost.) The time limit only catches a hang.
function(example_test name)
  cmake_parse_arguments(arg "" "" "LABELS" ${ARGN})
  add_executable(${name}-test ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name}-test PRIVATE test-support)
  set_target_properties(${name}-test PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT arg_LABELS)
    set(arg_LABELS ${name})
  endif()
  catch_discover_tests(${name}-test PROPERTIES
    TIMEOUT 120 LABELS ${arg_LABELS}
    SKIP_REGULAR_EXPRESSION "${name}: skipped"
    ENVIRONMENT ${ZMQ_EXAMPLES_TSAN})
endfunction()

# Programs of other folders that a test runs.
set(also_runs_req-rep interrupt mt-req-rep retry-req-rep ex-req-rep)
set(also_runs_pub-sub pub-sub-envelope)
set(also_runs_push-pull push-pull2)
foreach(folder retry-req-rep curve-req-rep)
  set(also_runs_${folder} req-rep)
endforeach()

# test_pattern(FOLDER): tests/FOLDER.cpp, and what FOLDER/README.md shows.
function(test_pattern folder)
  example_test(${folder} tests/${folder}.cpp)
  page_test(${folder}/README.md)
  if(DEFINED also_runs_${folder})
    add_dependencies(${folder}-test ${also_runs_${folder}})
  endif()
  foreach(test ${folder}-test programs-test hostile-test wire-test soak-test bench)
    if(TARGET ${test})
      add_dependencies(${test} ${folder})
    endif()
  endforeach()
endfunction()

# Whole-project tests.
example_test(links tests/links.cpp)
example_test(prose tests/prose.cpp)
example_test(style tests/style.cpp)
example_test(programs tests/programs.cpp)
# What pattern() has built, as FOLDER/PROGRAM:FOLDER/PROGRAM...
target_compile_definitions(programs-test PRIVATE
  PROGRAMS="$<JOIN:$<TARGET_PROPERTY:common,PROGRAMS>,:>")
if(CMAKE_SYSTEM_NAME STREQUAL Linux)  # /proc
  example_test(hostile tests/hostile.cpp)
endif()

# What goes over the wire. It is skipped in part where strace is missing or may not trace.
example_test(wire tests/wire.cpp)
if(CMAKE_SYSTEM_NAME STREQUAL Linux)
  add_dependencies(wire-test trace)
endif()

# The long runs, for ./run soak: ctest takes them only with -C slow, and builds of all leave them out.
if(CMAKE_SYSTEM_NAME STREQUAL Linux)
  add_library(soak-count SHARED EXCLUDE_FROM_ALL tests/soak/count.cpp)
  target_link_libraries(soak-count PRIVATE ${CMAKE_DL_LIBS})
  add_executable(soak-test EXCLUDE_FROM_ALL tests/soak/soak.cpp)
  target_link_libraries(soak-test PRIVATE test-support)
  target_compile_definitions(soak-test PRIVATE COUNT_LIBRARY="$<TARGET_FILE:soak-count>")
  add_dependencies(soak-test soak-count)
  set_target_properties(soak-test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME soak COMMAND soak-test CONFIGURATIONS slow)
  # With SOAK they treat the programs badly for longer.
  add_test(NAME soak/hostile COMMAND hostile-test "hostile: many connections*,hostile: odd messages*" CONFIGURATIONS slow)
  set_tests_properties(soak soak/hostile PROPERTIES TIMEOUT 3600 LABELS slow)
  set_tests_properties(soak/hostile PROPERTIES ENVIRONMENT SOAK=100)
endif()

# The code that reads bytes from outside, fed with any. The quick suite runs over what
# tests/fuzz/corpus has; the preset fuzz (clang) makes a program that looks for more.
option(ZMQ_EXAMPLES_FUZZ "Build the fuzz target with libFuzzer" OFF)
add_executable(fuzz tests/fuzz/fuzz.cpp)
target_link_libraries(fuzz PRIVATE common wire)
set_target_properties(fuzz PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
if(ZMQ_EXAMPLES_FUZZ)
  target_link_options(fuzz PRIVATE -fsanitize=fuzzer)
else()
  target_sources(fuzz PRIVATE tests/fuzz/replay.cpp)
  target_link_libraries(fuzz PRIVATE test-support)
  add_test(NAME fuzz COMMAND fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus)
  set_tests_properties(fuzz PROPERTIES TIMEOUT 120 LABELS fuzz ENVIRONMENT ${ZMQ_EXAMPLES_TSAN})
endif()

# page_test(PAGE): what PAGE shows is what the programs print.
add_executable(pages-test tests/pages.cpp)
target_link_libraries(pages-test PRIVATE test-support)
set_target_properties(pages-test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
function(page_test page)
  add_test(NAME page/${page} COMMAND pages-test)
  set_tests_properties(page/${page} PROPERTIES
    TIMEOUT 120 LABELS pages ENVIRONMENT "PAGE=${page};${ZMQ_EXAMPLES_TSAN}")
endfunction()
page_test(README.md)

# The notes: a file for each section, a test case for each claim.
foreach(section 02 03 04 05 06 07 08 09 10 11 12 13 14 15)
  example_test(notes-${section} tests/notes/section-${section}.cpp LABELS notes)
endforeach()
example_test(notes-pages tests/notes/pages.cpp)
example_test(libzmq tests/notes/libzmq.cpp)

# The benchmark: bench-raw has the baselines. Its smoke run checks counts, not speed.
add_executable(bench-raw tests/bench/raw.cpp)
target_link_libraries(bench-raw PRIVATE ZeroMQ)
add_executable(bench tests/bench/bench.cpp tests/support/process.cpp)
target_include_directories(bench PRIVATE tests/support)
target_compile_definitions(bench PRIVATE
  BINARY_DIR="${CMAKE_BINARY_DIR}" SOURCE_DIR="${CMAKE_SOURCE_DIR}")
target_link_libraries(bench PRIVATE ZeroMQ)
set_target_properties(bench bench-raw PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_dependencies(bench bench-raw)
add_test(NAME bench-smoke COMMAND bench --quick)
set_tests_properties(bench-smoke PROPERTIES
  TIMEOUT 120 LABELS bench ENVIRONMENT ${ZMQ_EXAMPLES_TSAN})
