#include "catch.hpp"
#include "peer.hpp"

namespace {

/// The number in "letter 12 to A".
int round_of(const std::string& content) {
    return std::stoi(content.substr(std::string("letter ").size()));
}

struct Subscriber : Process {
    Subscriber(const std::string& endpoint, const std::string& key, int count)
        : Process("pub-sub-envelope/subscriber",
                  {"--connect", endpoint, "--key", key, "--count", std::to_string(count)}) {}
};

}  // namespace

TEST_CASE("pub-sub-envelope: a round is a message with key A and one with key B",
          "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher",
                      {"--bind", any_port, "--count", "2", "--interval", "0"});
    const std::string endpoint = publisher.endpoint();
    CHECK(publisher.wait() == 0);
    CHECK(publisher.lines() == Lines{"listening on " + endpoint, "published [A] letter 1 to A",
                                     "published [B] letter 1 to B", "published [A] letter 2 to A",
                                     "published [B] letter 2 to B", "4 messages"});
}

TEST_CASE("pub-sub-envelope: the frames are the key, the sender if there is one, the content",
          "[pub-sub-envelope]") {
    const std::string sender = GENERATE("", "tcp://me:1");
    Lines arguments{"--bind", any_port, "--interval", "1"};
    if (!sender.empty()) arguments.insert(arguments.end(), {"--sender", sender});
    Process publisher("pub-sub-envelope/publisher", arguments);
    Peer subscriber(ZMQ_SUB);
    subscriber.subscribe("").connect(publisher.endpoint());
    auto frames = subscriber.receive();
    if (frames[0] == "B") frames = subscriber.receive();
    const std::string round = std::to_string(round_of(frames.back()));
    const auto expected = [&](const std::string& key) {
        const std::string content = "letter " + round + " to " + key;
        return sender.empty() ? Frames{key, content} : Frames{key, sender, content};
    };
    CHECK(frames == expected("A"));
    CHECK(subscriber.receive() == expected("B"));
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

TEST_CASE("pub-sub-envelope: an envelope of too few or too many frames is named and not counted",
          "[pub-sub-envelope]") {
    Peer publisher(ZMQ_XPUB);
    Subscriber subscriber(publisher.bind(any_port), "B", 2);
    publisher.receive();
    publisher.send({"B1"});
    publisher.send({"B", "one"});
    publisher.send({"B2", "2", "3", "4"});
    publisher.send(Lines(1000, "B3"));
    publisher.send({"B", "two"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == Lines{"received [B] one", "received [B] two", "2 messages"});
    const auto errors = lines_of(subscriber.errors());
    REQUIRE(errors.size() == 3);
    for (size_t i = 0; i < 3; ++i) {
        CHECK(errors[i].rfind("subscriber: ignored ", 0) == 0);
        CHECK(errors[i].find(std::string("B").append(std::to_string(i + 1))) != std::string::npos);
    }
}

TEST_CASE("pub-sub-envelope: an empty key subscribes to all keys, and any bytes may come",
          "[pub-sub-envelope]") {
    Peer publisher(ZMQ_XPUB);
    Subscriber subscriber(publisher.bind(any_port), "", 5);
    REQUIRE(publisher.receive() == Frames{"\1"});
    publisher.send({"", ""});
    publisher.send({"", "", ""});
    publisher.send({std::string("\0k", 2), "\xff", "\\"});
    publisher.send({"key", std::string(1 << 20, 'x')});
    publisher.send({std::string(1000, 'k'), "last"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() ==
          Lines{"received [] ", "received [] , from ", "received [\\x00k] \\\\, from \\xff",
                "received [key] " + std::string(200, 'x') + "... (1048576 bytes)",
                "received [" + std::string(200, 'k') + "... (1000 bytes)] last", "5 messages"});
}
