#include "catch.hpp"
#include "peer.hpp"

namespace {

struct Subscriber : Process {
    Subscriber(const std::string& endpoint, const std::string& key, int count)
        : Process("pub-sub-envelope/subscriber",
                  {"--connect", endpoint, "--key", key, "--count", std::to_string(count)}) {}
};

}  // namespace

TEST_CASE("pub-sub-envelope: a round is a message with key A and one with key B",
          "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher --count 2 --interval 0 --bind " + any_port);
    const std::string endpoint = publisher.endpoint();
    CHECK(publisher.wait() == 0);
    CHECK(publisher.lines() == Lines{"listening on " + endpoint, "published [A] letter 1 to A",
                                     "published [B] letter 1 to B", "published [A] letter 2 to A",
                                     "published [B] letter 2 to B", "4 messages"});
}

TEST_CASE("pub-sub-envelope: the frames are the key, the sender if there is one, the content",
          "[pub-sub-envelope]") {
    const Lines sender = GENERATE(Lines{}, Lines{"tcp://me:1"});
    Process publisher("pub-sub-envelope/publisher --interval 1 --bind " + any_port +
                      (sender.empty() ? "" : " --sender " + sender[0]));
    Peer subscriber(ZMQ_SUB);
    subscriber.subscribe("").connect(publisher.endpoint());
    auto frames = subscriber.receive();
    if (frames[0] == "B") frames = subscriber.receive();
    std::string content = frames.back();
    for (const std::string key : {"A", "B"}) {
        Frames expected{key};
        expected.insert(expected.end(), sender.begin(), sender.end());
        content.back() = key[0];
        expected.push_back(content);
        CHECK(frames == expected);
        CHECK(content.rfind("letter ", 0) == 0);
        if (key == "A") frames = subscriber.receive();
    }
}

TEST_CASE("pub-sub-envelope: the key decides, as a whole, and never the content",
          "[pub-sub-envelope]") {
    Peer publisher(ZMQ_XPUB);
    Subscriber subscriber(publisher.bind(any_port), "B", 2);
    REQUIRE(publisher.receive() == Frames{"\1B"});
    publisher.send({"A", "B"});
    publisher.send({"BB", "another key"});
    publisher.send({"BB", "B", "another key"});
    publisher.send({"", "B"});
    publisher.send({"B", "for us"});
    publisher.send({"B", "me", "for us too"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() ==
          Lines{"received [B] for us", "received [B] for us too, from me", "2 messages"});
    CHECK(subscriber.errors().empty());
}

TEST_CASE("pub-sub-envelope: an empty key subscribes to all, and an odd envelope is named",
          "[pub-sub-envelope]") {
    Peer publisher(ZMQ_XPUB);
    Subscriber subscriber(publisher.bind(any_port), "", 3);
    REQUIRE(publisher.receive() == Frames{"\1"});
    publisher.send({"B1"});
    publisher.send({"", ""});
    publisher.send({"B2", "2", "3", "4"});
    publisher.send({std::string("\0k", 2), "\xff", "\\"});
    publisher.send(Lines(1000, "B3"));
    publisher.send({"B", "last"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == Lines{"received [] ", "received [\\x00k] \\\\, from \\xff",
                                      "received [B] last", "3 messages"});
    CHECK(subscriber.ignored() == Lines{"B1", "B2", "B3"});
}
