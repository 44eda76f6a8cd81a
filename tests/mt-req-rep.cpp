#include "peer.hpp"

#include <csignal>
#include <set>

#include "catch.hpp"

TEST_CASE("mt-req-rep: the largest number of threads works, and all requests are in flight",
          "[mt-req-rep]") {
    Peer proxy(ZMQ_ROUTER), dealer(ZMQ_DEALER);
    Process server("mt-req-rep/server", {"--bind", any_port, "--workers", "400"});
    Process client("mt-req-rep/client --clients 400 --count 1 --connect " + proxy.bind(any_port));
    dealer.connect(server.endpoint());
    std::vector<Frames> requests;  // none has its reply before all have asked
    while (requests.size() < 400) requests.push_back(proxy.receive());
    for (const auto& request : requests) dealer.send({request.at(0), "", request.at(2)});
    for (size_t n = 0; n < requests.size(); ++n) proxy.send(dealer.receive());
    CHECK(client.wait() == 0);
    Lines lines{"400 replies"};  // and none is mixed with another
    for (int n = 1; n <= 400; ++n)
        lines.push_back("client " + std::to_string(n) + " received World");
    CHECK(sorted(client.lines()) == sorted(lines));
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.last_line() == "400 requests");
}

TEST_CASE("mt-req-rep: the threads of the server work at the same time", "[mt-req-rep]") {
    // No reply comes within the test: each worker that prints a request holds it. Four workers can
    // queue 2,000 each, by the high-water marks of both ends, so there is one for the fifth,
    // however late it connects.
    Process server("mt-req-rep/server --workers 5 --work 1000000 --bind " + any_port);
    Peer client(ZMQ_DEALER);
    client.connect(server.endpoint());
    for (int n = 0; n < 10000; ++n) client.send({"", "Hello"});
    std::set<std::string> workers;
    while (workers.size() < 5) workers.insert(server.wait_for("received Hello"));
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.last_line() == "0 requests");
}
