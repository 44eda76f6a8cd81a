#include <csignal>

#include "catch.hpp"
#include "peer.hpp"

TEST_CASE("pub-sub: a round has a message for each name or key, and an interval before the next",
          "[pub-sub]") {
    const bool envelope = GENERATE(false, true);
    const std::string publish =
        (envelope ? "pub-sub-envelope/publisher" : "pub-sub/publisher --to A --to B") +
        (" --bind " + any_port);
    const auto start = std::chrono::steady_clock::now();
    Process three(publish + " --count 3 --interval 50");
    CHECK(three.wait() == 0);
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(100));
    Lines published;
    for (const std::string n : {"1", "2", "3"})
        for (const std::string name : {"A", "B"})
            published.push_back(envelope ? "[" + name + "] letter " + n + " to " + name
                                         : name + ": news " + n);
    CHECK(three.lines_with("published") == published);
    CHECK(three.last_line() == "6 messages");
    Process one(publish + " --count 1 --interval 2147483647");  // no wait after it
    CHECK(one.wait() == 0);
    Process waits(publish + " --interval 2147483647");
    for (int n = 0; n < 2; ++n) waits.wait_for("published ");
    CHECK(waits.stop(SIGINT) == 128 + SIGINT);
    CHECK(waits.last_line() == "2 messages");
}

TEST_CASE("pub-sub: a name is a prefix, of messages of any bytes and any number of frames",
          "[pub-sub]") {
    Peer publisher(ZMQ_XPUB);
    Process subscriber("pub-sub/subscriber --count 4 --name sub7 --connect " +
                       publisher.bind(any_port));
    REQUIRE(publisher.receive() == Frames{"\1sub7"});
    for (const Frames& message : {Frames{"sub7"},
                                  {"sub2: no"},
                                  {std::string("sub7\0\xff", 6)},
                                  {"sub7 first", "sub7 second", ""},
                                  {"sub7 end"}})
        publisher.send(message);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == Lines{"received sub7", "received sub7\\x00\\xff",
                                      "received sub7 first", "received sub7 end", "4 messages"});
}

TEST_CASE("pub-sub: a finished publisher still delivers what its subscriber has not taken",
          "[pub-sub]") {
    // More than the kernel's buffers hold; over tcp, because libzmq loses the end over ipc.
    const std::string name(100000, 'x'), news = name + ": news ";
    Process publisher("pub-sub/publisher --interval 5 --count 150 --bind " + any_port + " --to " +
                      name);
    Peer subscriber(ZMQ_SUB);
    subscriber.set(ZMQ_RCVHWM, 1).subscribe("x").connect(publisher.endpoint());
    int round = std::stoi(subscriber.receive()[0].substr(news.size()));
    publisher.wait_for("150 messages");
    while (round < 150) REQUIRE(subscriber.receive() == Frames{news + std::to_string(++round)});
    CHECK(publisher.wait() == 0);
}
