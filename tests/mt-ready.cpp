#include <csignal>

#include "catch.hpp"
#include "process.hpp"

TEST_CASE("mt-ready: the steps are done in order", "[mt-ready]") {
    Process steps("mt-ready/steps");
    CHECK(steps.wait() == 0);
    CHECK(steps.output() == "step 1\nstep 2\nstep 3\n3 steps in order\n");
}

TEST_CASE("mt-ready: the order holds for many threads", "[mt-ready]") {
    std::string expected;
    for (int n = 1; n <= 200; ++n) expected += "step " + std::to_string(n) + "\n";
    for (int trial = 0; trial < 3; ++trial) {
        Process steps("mt-ready/steps", {"--steps", "200"});
        CHECK(steps.wait() == 0);
        CHECK(steps.output() == expected + "200 steps in order\n");
    }
}

TEST_CASE("mt-ready: the bounds of --steps", "[mt-ready]") {
    Process one("mt-ready/steps", {"--steps", "1"});
    CHECK(one.wait() == 0);
    CHECK(one.output() == "step 1\n1 step in order\n");
    Process most("mt-ready/steps", {"--steps", "500", "--quiet"});
    CHECK(most.wait() == 0);
    CHECK(most.output().rfind("500 steps in order in ", 0) == 0);
    Process more("mt-ready/steps", {"--steps", "501"});
    CHECK(more.wait() == 2);
    Process none("mt-ready/steps", {"--steps", "0"});
    CHECK(none.wait() == 2);
}

// AddressSanitizer and UBSan need file descriptors themselves, to look at memory: without any left,
// UBSan takes a good object for a bad one.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NEEDS_FILE_DESCRIPTORS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define NEEDS_FILE_DESCRIPTORS
#endif

#ifndef NEEDS_FILE_DESCRIPTORS
TEST_CASE("mt-ready: a failing thread ends the program with its error", "[mt-ready]") {
    // An inproc socket takes a file descriptor: enough for the sockets that main binds, not for
    // all.
    Process steps("/bin/sh", {"-c", "ulimit -n 60; exec \"$0\" --steps 40 --quiet",
                              BINARY_DIR "/mt-ready/steps"});
    CHECK(steps.wait() == 1);
    CHECK(steps.output() == "");
    CHECK(steps.errors() == "steps: zmq_socket PAIR: Too many open files\n");
}
#endif

TEST_CASE("mt-ready: Ctrl-C between the steps leaves no step out and no thread behind",
          "[mt-ready]") {
    // More threads than these may take longer than the 0.7 s that a program has after Ctrl-C, where
    // a sanitizer slows each down and others have the processors.
    for (int trial = 0; trial < 10; ++trial) {
        Process steps("mt-ready/steps", {"--steps", "60"});
        steps.wait_for("step 1");
        const int status = steps.stop(SIGINT);
        const auto lines = steps.lines();
        const size_t done = lines.size() - 1;
        for (size_t n = 0; n < done; ++n) CHECK(lines[n] == "step " + std::to_string(n + 1));
        CHECK(lines.back() ==
              std::to_string(done) + (done == 1 ? " step in order" : " steps in order"));
        CHECK(status == (done == 60 && steps.errors().empty() ? 0 : 128 + SIGINT));
    }
}

TEST_CASE("mt-ready: wrong arguments", "[mt-ready]") {
    for (const auto& [arguments, what] :
         std::vector<std::pair<std::vector<std::string>, std::string>>{
             {{"--steps", "501"}, "--steps 501: not a whole number from 1 to 500"},
             {{"--steps"}, "--steps: its value is missing"},
             {{"--bind", "x"}, "--bind: no such option"},
             {{"stray"}, "stray: takes no such argument"}}) {
        Process steps("mt-ready/steps", arguments);
        CHECK(steps.wait() == 2);
        CHECK(steps.output() == "");
        CHECK(steps.errors() == "steps: " + what + "\ntry: steps --help\n");
    }
}
