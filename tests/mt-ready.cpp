#include <csignal>
#include <regex>

#include "catch.hpp"
#include "process.hpp"

namespace {

std::string steps_to(int last) {
    std::string lines;
    for (int n = 1; n <= last; ++n) lines += "step " + std::to_string(n) + "\n";
    return lines;
}

}  // namespace

TEST_CASE("mt-ready: the steps are done in order, by any number of threads", "[mt-ready]") {
    for (const int n : {1, 3, 50, 400}) {
        Process steps("mt-ready/steps", {"--steps", std::to_string(n)});
        CHECK(steps.wait() == 0);
        CHECK(steps.output() == steps_to(n) + std::to_string(n) +
                                    (n == 1 ? " step in order\n" : " steps in order\n"));
    }
    Process by_default("mt-ready/steps");
    CHECK(by_default.wait() == 0);
    CHECK(by_default.output() == steps_to(3) + "3 steps in order\n");
    Process quiet("mt-ready/steps", {"--quiet"});
    CHECK(quiet.wait() == 0);
    CHECK(
        std::regex_match(quiet.output(), std::regex("3 steps in order in [0-9.]+ s, [0-9]+/s\n")));
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
    // Each socket takes a file descriptor: enough for those of main, not for those of the threads.
    Process steps("/bin/sh",
                  {"-c", "ulimit -n 60; exec \"$0\" --steps 40", BINARY_DIR "/mt-ready/steps"});
    CHECK(steps.wait() == 1);
    CHECK(std::regex_match(steps.errors(), std::regex("steps: steps\\.cpp:[0-9]+: .+\n")));
}
#endif

TEST_CASE("mt-ready: Ctrl-C between the steps leaves no step out and no thread behind",
          "[mt-ready]") {
    for (int trial = 0; trial < 10; ++trial) {
        Process steps("mt-ready/steps", {"--steps", "60"});
        steps.wait_for("step 1");
        const int status = steps.stop(SIGINT);
        const auto lines = steps.lines();
        const auto done = static_cast<int>(lines.size()) - 1;
        CHECK(steps.output() == steps_to(done) + lines.back() + "\n");
        CHECK(lines.back() ==
              std::to_string(done) + (done == 1 ? " step in order" : " steps in order"));
        CHECK(status == (done == 60 && steps.errors().empty() ? 0 : 128 + SIGINT));
    }
}
