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
