#include <csignal>

#include "catch.hpp"
#include "peer.hpp"

namespace {

/// The number at the end of "NAME: news 12".
int round_of(const std::string& message) { return std::stoi(message.substr(message.rfind(' '))); }

struct Subscriber : Process {
    Subscriber(const std::string& endpoint, const std::string& name, int count)
        : Process("pub-sub/subscriber --connect " + endpoint + " --name " + name + " --count " +
                  std::to_string(count)) {}
};

}  // namespace

TEST_CASE("pub-sub: a publisher sends one message to each name in each round, and counts rounds",
          "[pub-sub]") {
    Process publisher("pub-sub/publisher --count 2 --interval 0 --to a --to b --bind " + any_port);
    const std::string endpoint = publisher.endpoint();
    CHECK(publisher.wait() == 0);
    CHECK(publisher.lines() == Lines{"listening on " + endpoint, "published a: news 1",
                                     "published b: news 1", "published a: news 2",
                                     "published b: news 2", "4 messages"});
}

TEST_CASE("pub-sub: the interval is between two rounds, and Ctrl-C does not wait for it",
          "[pub-sub]") {
    const std::string folder = GENERATE("pub-sub", "pub-sub-envelope"),
                      publish = folder + "/publisher --bind " + any_port;
    Process one(publish + " --count 1 --interval 2147483647");  // no wait after it
    CHECK(one.wait() == 0);
    Process waits(publish + " --interval 2147483647");
    for (int n = 0; n < 2; ++n) waits.wait_for("published ");
    CHECK(waits.stop(SIGINT) == 128 + SIGINT);
    CHECK(waits.last_line() == "2 messages");
    Process three(publish + " --count 3 --interval 50 --quiet");
    CHECK(three.wait() == 0);
    const std::string summary = three.last_line(), in = "6 messages in ";
    REQUIRE(summary.rfind(in, 0) == 0);
    CHECK(std::stod(summary.substr(in.size())) >= 0.1);
}

TEST_CASE(
    "pub-sub: a late subscriber misses the messages before, and none of its name from then on",
    "[pub-sub]") {
    Process publisher("pub-sub/publisher", {"--bind", any_port, "--interval", "1"});
    const std::string endpoint = publisher.endpoint();
    publisher.wait_for("published sub1: news 20");
    Subscriber one(endpoint, "sub1", 20), two(endpoint, "sub2", 20);
    for (Process* subscriber : {&one, &two}) {
        CHECK(subscriber->wait() == 0);
        const auto lines = subscriber->lines();
        REQUIRE(lines.size() == 21);
        const int first = round_of(lines[0]);
        CHECK(first > 20);
        const std::string begin = subscriber == &one ? "received sub1" : "received sub2";
        for (int n = 0; n < 20; ++n)
            CHECK(lines[static_cast<size_t>(n)] == begin + ": news " + std::to_string(first + n));
        CHECK(lines[20] == "20 messages");
    }
}

TEST_CASE("pub-sub: a name is a prefix, of messages of any bytes and any number of frames",
          "[pub-sub]") {
    Peer publisher(ZMQ_XPUB);
    Subscriber subscriber(publisher.bind(any_port), "sub1", 4);
    REQUIRE(publisher.receive() == Frames{"\1sub1"});
    for (const Frames& message : {Frames{"sub1"},
                                  {"sub2: no"},
                                  {"sub: no"},
                                  {""},
                                  {std::string("sub1\0\xff", 6)},
                                  {"xsub1"},
                                  {"sub1 first", "sub1 second", ""},
                                  {"sub1 end"}})
        publisher.send(message);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == Lines{"received sub1", "received sub1\\x00\\xff",
                                      "received sub1 first", "received sub1 end", "4 messages"});
}

TEST_CASE("pub-sub: a finished publisher still delivers what its subscriber has not taken",
          "[pub-sub]") {
    // More than the kernel's buffers hold; over tcp, because libzmq loses the end over ipc.
    const std::string name(100000, 'x');
    Process publisher("pub-sub/publisher --interval 5 --count 150 --bind " + any_port + " --to " +
                      name);
    Peer subscriber(ZMQ_SUB);
    subscriber.set(ZMQ_RCVHWM, 1).subscribe("x").connect(publisher.endpoint());
    int round = round_of(subscriber.receive()[0]);
    publisher.wait_for("150 messages");
    if (GENERATE(true, false)) {
        while (round < 150)
            REQUIRE(subscriber.receive() == Lines{name + ": news " + std::to_string(++round)});
        CHECK(publisher.wait() == 0);
    } else {  // Ctrl-C does not wait for it
        CHECK(publisher.stop(SIGINT) == 128 + SIGINT);
        CHECK(publisher.errors() == "interrupted\n");
    }
}
