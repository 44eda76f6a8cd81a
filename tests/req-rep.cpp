#include "peer.hpp"

#include <csignal>

#include "catch.hpp"

TEST_CASE("req-rep: the servers answer requests of any bytes and any number of frames",
          "[req-rep]") {
    const std::string path =
        GENERATE("req-rep/server", "interrupt/server", "mt-req-rep/server", "ex-req-rep/server");
    const bool binds = path != "ex-req-rep/server";
    Peer client(ZMQ_DEALER);
    Process server(path + (binds ? " --bind " + any_port : " --connect " + client.bind(any_port)));
    if (binds) client.connect(server.endpoint());
    client.send({"without a delimiter"});  // a REP drops it
    const std::vector<std::pair<Frames, std::string>> shown = {
        {{"", ""}, " "},
        {{"", std::string("\0\xff\\A\n", 5)}, " \\x00\\xff\\\\A\\x0a"},
        {{"", std::string(1 << 20, 'x')}, " " + std::string(200, 'x') + "... (1048576 bytes)"},
        {{"", "one", "two", "three"}, " one"},
        {{"", "last"}, " last"}};
    for (const auto& [request, end] : shown) {
        client.send(request);
        CHECK(client.receive() == Frames{"", "World"});
        CHECK_THAT(server.wait_for(""), Catch::Matchers::EndsWith(end));
    }
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    if (path != "interrupt/server") CHECK(server.last_line() == "5 requests");
}

TEST_CASE("req-rep: the clients read replies of several frames", "[req-rep]") {
    const std::string command =
        GENERATE("req-rep/client", "ex-req-rep/client", "retry-req-rep/client --timeout 10000",
                 "mt-req-rep/client --clients 1");
    Peer server(ZMQ_REP);
    Process client(command + " --count 2 --connect " + server.bind(any_port));
    for (const auto* reply : {"first", "second"}) {
        CHECK(server.receive() == Frames{"Hello"});
        server.send({reply, "and", "more"});
        client.wait_for(std::string("received ") + reply);
    }
    CHECK(client.wait() == 0);
    CHECK(client.lines().size() == 3);
    CHECK(client.last_line() == "2 replies");
}

#if defined(__linux__)  // elsewhere 127.0.0.2 is no address of this machine
TEST_CASE("req-rep: only a server that binds to all interfaces is reached at another address",
          "[req-rep]") {
    const bool all = GENERATE(false, true);
    Process server("req-rep/server", {"--bind", all ? "tcp://*:*" : any_port});
    const std::string endpoint = server.endpoint();
    Peer client(ZMQ_REQ);
    Monitor monitor(client, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED);
    client.connect("tcp://127.0.0.2" + endpoint.substr(endpoint.rfind(':')));
    CHECK(monitor.next().id == (all ? ZMQ_EVENT_CONNECTED : ZMQ_EVENT_CONNECT_RETRIED));
}
#endif
