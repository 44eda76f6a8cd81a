#include <zmq.h>

#include <csignal>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"

using Lines = std::vector<std::string>;

TEST_CASE("pub-sub-envelope: key and content are two frames and A and B take turns",
          "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher", {"--bind", any_port, "--interval", "1"});
    Peer subscriber(ZMQ_SUB);
    subscriber.subscribe("").connect(publisher.endpoint());
    auto frames = subscriber.receive();
    if (frames.front() == "B") frames = subscriber.receive();
    REQUIRE(frames.size() == 2);
    CHECK(frames[0] == "A");
    const auto other = subscriber.receive();
    REQUIRE(other.size() == 2);
    CHECK(other[0] == "B");
    CHECK(other[1] == frames[1].substr(0, frames[1].size() - 1) + "B");
    CHECK(publisher.stop(SIGINT) == 0);
}

TEST_CASE("pub-sub-envelope: with --sender the second frame says who has sent it",
          "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher",
                      {"--bind", any_port, "--interval", "1", "--sender", "tcp://me:1"});
    Process subscriber("pub-sub-envelope/subscriber",
                       {"--connect", publisher.endpoint(), "--count", "1"});
    CHECK(subscriber.wait() == 0);
    const std::string line = subscriber.lines().front();
    CHECK(line.rfind("received [B] letter ", 0) == 0);
    CHECK(line.find(" to B, from tcp://me:1") != std::string::npos);
    CHECK(publisher.stop(SIGINT) == 0);
}

TEST_CASE("pub-sub-envelope: the key decides and never the content", "[pub-sub-envelope]") {
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("pub-sub-envelope/subscriber",
                       {"--connect", publisher.endpoint(), "--count", "2"});
    REQUIRE(publisher.receive() == Lines{"\1B"});
    publisher.send({"A", "B"});
    publisher.send({"Bx", "a longer key"});
    publisher.send({"B", "for us"});
    publisher.send({"B", "somebody", "for us too"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() ==
          Lines{"received [B] for us", "received [B] for us too, from somebody", "2 messages"});
    CHECK(subscriber.errors().empty());
}

TEST_CASE("pub-sub-envelope: an envelope with too few or too many frames is named and left out",
          "[pub-sub-envelope]") {
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("pub-sub-envelope/subscriber",
                       {"--connect", publisher.endpoint(), "--count", "2"});
    publisher.receive();
    publisher.send({"B"});
    publisher.send({"B", "one"});
    publisher.send({"B", "2", "3", "4"});
    publisher.send({"B", std::string("\0\n", 2)});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == Lines{"received [B] one", "received [B] \\x00\\x0a", "2 messages"});
    CHECK(subscriber.errors() ==
          "subscriber: left out: an envelope of 1 frames: B\n"
          "subscriber: left out: an envelope of 4 frames: B\n");
}

TEST_CASE("pub-sub-envelope: an empty key subscribes to everything", "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher", {"--bind", any_port, "--interval", "1"});
    Process subscriber("pub-sub-envelope/subscriber",
                       {"--connect", publisher.endpoint(), "--count", "4", "--key", ""});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.output().find("[A]") != std::string::npos);
    CHECK(subscriber.output().find("[B]") != std::string::npos);
    CHECK(publisher.stop(SIGINT) == 0);
}

TEST_CASE("pub-sub-envelope: a subscriber may start first", "[pub-sub-envelope]") {
    const Folder folder;
    Process subscriber("pub-sub-envelope/subscriber",
                       {"--connect", folder.endpoint("p"), "--count", "2"});
    Process publisher("pub-sub-envelope/publisher",
                      {"--bind", folder.endpoint("p"), "--interval", "1"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.last_line() == "2 messages");
    CHECK(publisher.stop(SIGTERM) == 0);
}

TEST_CASE("pub-sub-envelope: --count counts rounds", "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher",
                      {"--bind", any_port, "--count", "2", "--interval", "0"});
    CHECK(publisher.wait() == 0);
    CHECK(publisher.lines().back() == "4 messages");
    CHECK(publisher.lines()[1] == "published [A] letter 1 to A");
}

TEST_CASE("pub-sub-envelope: Ctrl-C ends both sides in the middle of traffic",
          "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher", {"--bind", any_port, "--interval", "0"});
    Process subscriber("pub-sub-envelope/subscriber",
                       {"--connect", publisher.endpoint(), "--count", "0"});
    subscriber.wait_for("received");
    CHECK(subscriber.stop(SIGINT) == 0);
    CHECK(publisher.stop(SIGINT) == 0);
    CHECK(publisher.errors() == "interrupted\n");
}
