// docs/across-machines.md, tried between two network namespaces: two hosts with addresses of their
// own and a cable between them. Needs root on Linux and `ip`; elsewhere it prints that it is
// skipped.
#include <csignal>

#include "catch.hpp"
#include "peer.hpp"

#if defined(__linux__)
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace {

bool shell(const std::string& command) { return Shell(command).wait() == 0; }

/// Two hosts, `here` (10.89.0.1) and `there` (10.89.0.2), gone afterwards.
struct Hosts {
    const std::string here = "zmqex" + std::to_string(getpid()) + "a", there = here + "b";
    const bool up =
        shell("set -e; [ $(id -u) = 0 ]; command -v ip; ip netns add " + here + "; ip netns add " +
              there + "; ip -n " + here + " link add cable type veth peer name cable netns " +
              there + "; ip -n " + here + " addr add 10.89.0.1/24 dev cable; ip -n " + there +
              " addr add 10.89.0.2/24 dev cable; for host in " + here + " " + there +
              "; do ip -n $host link set lo up; ip -n $host link set cable up; done");
    Hosts() {
        if (!up) std::puts("across-machines: skipped: two network namespaces need root and ip");
    }
    ~Hosts() { shell("ip netns del " + here + "; ip netns del " + there); }
    Hosts(const Hosts&) = delete;
    void cable(const std::string& state) const {
        REQUIRE(shell("ip -n " + there + " link set cable " + state));
    }
};

/// A program of this project on one of the hosts.
struct Program : Shell {
    Program(const std::string& host, const std::string& words)
        : Shell("exec ip netns exec " + host + " \"$built\"/" + words) {}
};

}  // namespace

TEST_CASE("across-machines: only a server that binds to all interfaces is reached from elsewhere",
          "[across-machines]") {
    const Hosts hosts;
    if (!hosts.up) return;
    {
        Program server(hosts.here, "req-rep/server");
        CHECK(server.endpoint() == "tcp://127.0.0.1:5555");
        // The other host's kernel gets a refusal at once, so nothing has to be waited for.
        CHECK(shell("ip netns exec " + hosts.there +
                    " bash -c 'exec 3<>/dev/tcp/10.89.0.1/5555' 2>&1 | grep -q refused"));
    }
    Program server(hosts.here, "req-rep/server --bind 'tcp://*:5555'");
    CHECK(server.endpoint() == "tcp://0.0.0.0:5555");
    Program client(hosts.there, "req-rep/client --connect tcp://10.89.0.1:5555 --count 3");
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "3 replies");
}

TEST_CASE("across-machines: a client that asks again goes on when its server's host comes back",
          "[across-machines]") {
    const Hosts hosts;
    if (!hosts.up) return;
    Program server(hosts.here, "req-rep/server --bind 'tcp://*:5555'");
    server.endpoint();
    Program client(hosts.there,
                   "retry-req-rep/client --connect tcp://10.89.0.1:5555 --count 0 --timeout 200");
    client.wait_for("received World");
    hosts.cable("down");
    client.wait_for_error("asking again");
    const size_t before = client.lines().size();
    client.wait_for_error("asking again");
    CHECK(client.lines().size() == before);
    hosts.cable("up");
    while (client.lines().size() < before + 100) client.wait_for("received World");
}

TEST_CASE("across-machines: with heartbeats a socket notices that the host of its peer is down",
          "[across-machines]") {
    const Hosts hosts;
    if (!hosts.up) return;
    Program server(hosts.here, "req-rep/server --bind 'tcp://*:5555'");
    server.endpoint();
    // The sockets of this process are made on the other host from here on.
    const int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    const int there = open(("/run/netns/" + hosts.there).c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(own != -1);
    REQUIRE(there != -1);
    REQUIRE(setns(there, CLONE_NEWNET) == 0);
    {
        Peer client(ZMQ_REQ);
        client.set(ZMQ_HEARTBEAT_IVL, 50).set(ZMQ_HEARTBEAT_TIMEOUT, 200);
        Monitor monitor(client, ZMQ_EVENT_DISCONNECTED);
        client.connect("tcp://10.89.0.1:5555").send({"Hello"});
        CHECK(client.receive() == Frames{"World"});
        hosts.cable("down");
        CHECK(monitor.next().id == ZMQ_EVENT_DISCONNECTED);
    }
    CHECK(setns(own, CLONE_NEWNET) == 0);
    close(own);
    close(there);
}
#else
TEST_CASE("across-machines: two hosts on one machine", "[across-machines]") {
    std::puts("across-machines: skipped: network namespaces need Linux");
}
#endif
