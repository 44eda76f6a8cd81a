#include "catch.hpp"
#include "peer.hpp"

TEST_CASE("retry-req-rep: works with the server of req-rep", "[retry-req-rep]") {
    Process server("req-rep/server", {"--bind", any_port});
    Process client("retry-req-rep/client", {"--connect", server.endpoint(), "--count", "3"});
    CHECK(client.wait() == 0);
    CHECK(client.output() == "received World\nreceived World\nreceived World\n3 replies\n");
}
