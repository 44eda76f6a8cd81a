#include "catch.hpp"
#include "process.hpp"
TEST_CASE("sync-pub-sub: x", "[sync-pub-sub]") {
    Process publisher("sync-pub-sub/publisher", {"--bind", any_port, "--sync", any_port});
    const std::string updates = publisher.endpoint(), sync = publisher.endpoint();
    Process a("sync-pub-sub/subscriber", {"--connect", updates, "--sync", sync});
    Process b("sync-pub-sub/subscriber", {"--connect", updates, "--sync", sync});
    CHECK(publisher.wait() == 0);
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(a.last_line() == "10 updates");
}
