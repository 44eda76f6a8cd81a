#include <csignal>

#include "catch.hpp"
#include "process.hpp"

namespace {

std::string steps_to(int last) {
    std::string lines;
    for (int n = 1; n <= last; ++n) lines += "step " + std::to_string(n) + "\n";
    return lines + std::to_string(last) + (last == 1 ? " step in order" : " steps in order");
}

}  // namespace

TEST_CASE("mt-ready: the steps are done in order, by any number of threads", "[mt-ready]") {
    for (const int n : {1, 3, 50, 400}) {
        Process steps("mt-ready/steps", {"--steps", std::to_string(n)});
        CHECK(steps.wait() == 0);
        CHECK(steps.output() == steps_to(n) + "\n");
    }
    Process quiet("mt-ready/steps", {"--quiet"});
    CHECK(quiet.wait() == 0);
    CHECK(quiet.output().rfind("3 steps in order in ", 0) == 0);
}

TEST_CASE("mt-ready: Ctrl-C between the steps leaves no step out and no thread behind",
          "[mt-ready]") {
    for (int trial = 0; trial < 10; ++trial) {
        Process steps("mt-ready/steps", {"--steps", "60"});
        steps.wait_for("step 1");
        const int status = steps.stop(SIGINT);
        const auto done = static_cast<int>(steps.lines().size()) - 1;
        CHECK(steps.output() == steps_to(done) + "\n");
        CHECK(status == (done == 60 && steps.errors().empty() ? 0 : 128 + SIGINT));
    }
}
