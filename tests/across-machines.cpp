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
#endif

namespace {

int shell(const std::string& command) {
    Process process("/bin/sh", {"-c", command});
    return process.wait();
}

/// Two hosts, `here` (10.89.0.1) and `there` (10.89.0.2), gone afterwards.
class Hosts {
 public:
    Hosts() {
        const std::string name = "zmqex" + std::to_string(getpid());
        here_ = name + "a";
        there_ = name + "b";
        const std::string a = here_, b = there_;
        up_ = shell("[ $(id -u) = 0 ] && command -v ip && ip netns add " + a + " && ip netns add " +
                    b) == 0 &&
              shell("ip -n " + a + " link add cable type veth peer name cable netns " + b) == 0 &&
              shell("ip -n " + a + " addr add 10.89.0.1/24 dev cable && ip -n " + b +
                    " addr add 10.89.0.2/24 dev cable") == 0;
        if (up_)
            for (const auto& host : {a, b})
                up_ = up_ && shell("ip -n " + host + " link set lo up && ip -n " + host +
                                   " link set cable up") == 0;
        if (!up_) std::puts("across-machines: skipped: two network namespaces need root and ip");
    }
    ~Hosts() { shell("ip netns del " + here_ + "; ip netns del " + there_); }
    Hosts(const Hosts&) = delete;
    Hosts& operator=(const Hosts&) = delete;

    explicit operator bool() const { return up_; }
    void pull_the_cable() const { REQUIRE(shell("ip -n " + there_ + " link set cable down") == 0); }
    void plug_it_in() const { REQUIRE(shell("ip -n " + there_ + " link set cable up") == 0); }
    const std::string& here() const { return here_; }
    const std::string& there() const { return there_; }

    /// A program of this project on one of the hosts.
    struct Program : Process {
        Program(const std::string& host, const std::string& program,
                const std::vector<std::string>& arguments)
            : Process("/bin/sh", [&] {
                  std::vector<std::string> words{"-c", "exec ip netns exec \"$0\" \"$@\"", host,
                                                 BINARY_DIR "/" + program};
                  words.insert(words.end(), arguments.begin(), arguments.end());
                  return words;
              }()) {}
    };

 private:
    std::string here_, there_;
    bool up_ = false;
};

}  // namespace

TEST_CASE("across-machines: a server that binds to all interfaces is reached from another host",
          "[across-machines]") {
    const Hosts hosts;
    if (!hosts) return;
    Hosts::Program server(hosts.here(), "req-rep/server", {"--bind", "tcp://*:5555"});
    CHECK(server.endpoint() == "tcp://0.0.0.0:5555");
    Hosts::Program client(hosts.there(), "req-rep/client",
                          {"--connect", "tcp://10.89.0.1:5555", "--count", "3"});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "3 replies");
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
}

TEST_CASE("across-machines: by default no other host reaches a server", "[across-machines]") {
    const Hosts hosts;
    if (!hosts) return;
    Hosts::Program server(hosts.here(), "req-rep/server", {});
    CHECK(server.endpoint() == "tcp://127.0.0.1:5555");
    // The other host's kernel gets a refusal at once, so nothing has to be waited for.
    CHECK(shell("ip netns exec " + hosts.there() +
                " bash -c 'exec 3<>/dev/tcp/10.89.0.1/5555' 2>&1 | grep -q refused") == 0);
    CHECK(shell("ip netns exec " + hosts.here() + " bash -c 'exec 3<>/dev/tcp/127.0.0.1/5555'") ==
          0);
}

TEST_CASE("across-machines: a pipeline whose parts are on two hosts", "[across-machines]") {
    const Hosts hosts;
    if (!hosts) return;
    Hosts::Program sinker(hosts.here(), "push-pull/sinker", {"--bind", "tcp://10.89.0.1:5558"});
    Hosts::Program sender(hosts.here(), "push-pull/sender",
                          {"--bind", "tcp://10.89.0.1:5557", "--workers", "2"});
    const std::vector<std::string> connect{"--connect", "tcp://10.89.0.1:5557", "--sink",
                                           "tcp://10.89.0.1:5558"};
    Hosts::Program near(hosts.here(), "push-pull/worker", connect);
    Hosts::Program far(hosts.there(), "push-pull/worker", connect);
    CHECK(sender.wait() == 0);
    CHECK(sinker.wait() == 0);
    CHECK(sinker.last_line() == "100 of 100 results");
    for (Process* worker : {&near, &far}) {
        CHECK(worker->stop(SIGINT) == 128 + SIGINT);
        CHECK(worker->last_line() == "50 tasks");
    }
}

TEST_CASE("across-machines: a client that asks again goes on when its server's host comes back",
          "[across-machines]") {
    const Hosts hosts;
    if (!hosts) return;
    Hosts::Program server(hosts.here(), "req-rep/server", {"--bind", "tcp://*:5555"});
    server.endpoint();
    Hosts::Program client(
        hosts.there(), "retry-req-rep/client",
        {"--connect", "tcp://10.89.0.1:5555", "--count", "0", "--timeout", "200"});
    client.wait_for("received World");
    hosts.pull_the_cable();
    client.wait_for_error("asking again");
    const size_t before = client.lines().size();
    client.wait_for_error("asking again");
    CHECK(client.lines().size() == before);
    hosts.plug_it_in();
    while (client.lines().size() < before + 100) client.wait_for("received World");
    CHECK(client.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
}

#if defined(__linux__)
TEST_CASE("across-machines: with heartbeats a socket notices that the host of its peer is down",
          "[across-machines]") {
    const Hosts hosts;
    if (!hosts) return;
    Hosts::Program server(hosts.here(), "req-rep/server", {"--bind", "tcp://*:5555"});
    server.endpoint();
    // The sockets of this process are made on the other host from here on.
    const int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    const int there = open(("/run/netns/" + hosts.there()).c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(own != -1);
    REQUIRE(there != -1);
    REQUIRE(setns(there, CLONE_NEWNET) == 0);
    {
        Peer client(ZMQ_REQ);
        client.set(ZMQ_HEARTBEAT_IVL, 50).set(ZMQ_HEARTBEAT_TIMEOUT, 200);
        Monitor monitor(client, ZMQ_EVENT_DISCONNECTED);
        client.connect("tcp://10.89.0.1:5555").send({"Hello"});
        CHECK(client.receive() == std::vector<std::string>{"World"});
        hosts.pull_the_cable();
        CHECK(monitor.next().id == ZMQ_EVENT_DISCONNECTED);
    }
    CHECK(setns(own, CLONE_NEWNET) == 0);
    close(own);
    close(there);
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
}
#endif
