#include "catch.hpp"
#include "peer.hpp"

TEST_CASE("pub-sub-envelope: the frames are the key, the sender if there is one, the content",
          "[pub-sub-envelope]") {
    const Frames sender = GENERATE(Frames{}, Frames{"tcp://me:1"});
    Process publisher("pub-sub-envelope/publisher --interval 1 --bind " + any_port +
                      (sender.empty() ? "" : " --sender " + sender[0]));
    const std::string endpoint = publisher.endpoint();
    for (const std::string key : {"A", "B"}) {
        Peer subscriber(ZMQ_SUB);
        auto frames = subscriber.subscribe(key).connect(endpoint).receive();
        CHECK_THAT(frames.back(), Catch::Matchers::Matches("letter [0-9]+ to " + key));
        frames.pop_back();
        CHECK(frames == (sender.empty() ? Frames{key} : Frames{key, sender[0]}));
    }
}

TEST_CASE("pub-sub-envelope: the key decides, as a whole, and an odd envelope is named",
          "[pub-sub-envelope]") {
    Peer publisher(ZMQ_XPUB);
    const std::string subscriber =
        "pub-sub-envelope/subscriber --connect " + publisher.bind(any_port) + " --count ";
    Process some(subscriber + "2", {"--key", "B"});
    REQUIRE(publisher.receive() == Frames{"\1B"});
    Process all(subscriber + "7", {"--key", ""});
    REQUIRE(publisher.receive() == Frames{"\1"});
    for (const Frames& message : {Frames{"A", "B"},
                                  {"BB", "another key"},
                                  {"BB", "B", "another key"},
                                  {"", "B"},
                                  {"B1"},
                                  {"B2", "2", "3", "4"},
                                  Frames(1000, "B3"),
                                  {std::string("\0k", 2), "\xff", "\\"},
                                  {"B", "for us"},
                                  {"B", "me", "for us too"}})
        publisher.send(message);
    const Lines ours{"received [B] for us", "received [B] for us too, from me"};
    CHECK(some.wait() == 0);
    CHECK(some.lines() == Lines{ours[0], ours[1], "2 messages"});
    CHECK(all.wait() == 0);
    CHECK(all.lines() == Lines{"received [A] B", "received [BB] another key",
                               "received [BB] another key, from B", "received [] B",
                               "received [\\x00k] \\\\, from \\xff", ours[0], ours[1],
                               "7 messages"});
    for (Process* one : {&some, &all}) CHECK(one->ignored() == Lines{"B1", "B2", "B3"});
}
