#include <zmq.h>

#include <csignal>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "refusals.hpp"

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
    publisher.send({"Bx", "B", "a longer key"});
    publisher.send({"", "B"});
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
    publisher.send({"B: a content, but no key"});
    publisher.send({"B", std::string("\0\n", 2)});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == Lines{"received [B] one", "received [B] \\x00\\x0a", "2 messages"});
    CHECK(subscriber.errors() ==
          "subscriber: left out: an envelope of 1 frame: B\n"
          "subscriber: left out: an envelope of 4 frames: B\n"
          "subscriber: left out: an envelope of 1 frame: B: a content, but no key\n");
}

TEST_CASE("pub-sub-envelope: any size and any bytes in each frame", "[pub-sub-envelope]") {
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("pub-sub-envelope/subscriber",
                       {"--connect", publisher.endpoint(), "--count", "5", "--key", ""});
    REQUIRE(publisher.receive() == Lines{"\1"});
    publisher.send({"", ""});
    publisher.send({"", "", ""});
    publisher.send({std::string("\0k", 2), "\xff", "\\"});
    publisher.send({"key", std::string(1 << 20, 'x')});
    publisher.send(Lines(1000, "frame"));
    publisher.send({std::string(1000, 'k'), "last"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() ==
          Lines{"received [] ", "received [] , from ", "received [\\x00k] \\\\, from \\xff",
                "received [key] " + std::string(200, 'x') + "... (1048576 bytes)",
                "received [" + std::string(200, 'k') + "... (1000 bytes)] last", "5 messages"});
    CHECK(subscriber.errors() == "subscriber: left out: an envelope of 1000 frames: frame\n");
}

TEST_CASE("pub-sub-envelope: --sender puts one frame between key and content",
          "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher",
                      {"--bind", any_port, "--interval", "1", "--sender", "tcp://me:1"});
    Peer subscriber(ZMQ_SUB);
    subscriber.subscribe("A").connect(publisher.endpoint());
    const auto first = subscriber.receive();
    REQUIRE(first.size() == 3);
    CHECK(first[0] == "A");
    CHECK(first[1] == "tcp://me:1");
    const std::string begin = "letter ";
    const int round = std::stoi(first[2].substr(begin.size()));
    CHECK(subscriber.receive() ==
          Lines{"A", "tcp://me:1", begin + std::to_string(round + 1) + " to A"});
    CHECK(publisher.stop(SIGINT) == 0);
}

TEST_CASE("pub-sub-envelope: a subscriber outlives its publisher", "[pub-sub-envelope]") {
    const Folder folder;
    Process subscriber("pub-sub-envelope/subscriber",
                       {"--connect", folder.endpoint("p"), "--count", "0"});
    for (const std::string life : {"first", "second"}) {
        Process publisher("pub-sub-envelope/publisher",
                          {"--bind", folder.endpoint("p"), "--interval", "1", "--sender", life});
        subscriber.wait_for("from " + life);
        CHECK(publisher.stop(SIGKILL) == -SIGKILL);
    }
    CHECK(subscriber.stop(SIGTERM) == 0);
    CHECK(subscriber.errors() == "interrupted\n");
}

TEST_CASE("pub-sub-envelope: no message comes in pieces at full speed", "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher",
                      {"--bind", any_port, "--interval", "0", "--quiet", "--sender", "me"});
    Process subscriber("pub-sub-envelope/subscriber",
                       {"--connect", publisher.endpoint(), "--count", "20000", "--quiet"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.errors().empty());
    REQUIRE(subscriber.lines().size() == 1);
    CHECK(subscriber.last_line().rfind("20000 messages in ", 0) == 0);
    CHECK(publisher.stop(SIGINT) == 0);
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
    const auto lines = publisher.lines();
    CHECK(Lines(lines.begin() + 1, lines.end()) ==
          Lines{"published [A] letter 1 to A", "published [B] letter 1 to B",
                "published [A] letter 2 to A", "published [B] letter 2 to B", "4 messages"});
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

TEST_CASE("pub-sub-envelope: the interval is between two rounds and not after the last",
          "[pub-sub-envelope]") {
    Process one("pub-sub-envelope/publisher",
                {"--bind", any_port, "--count", "1", "--interval", "2147483647"});
    CHECK(one.wait() == 0);
    Process three("pub-sub-envelope/publisher",
                  {"--bind", any_port, "--count", "3", "--interval", "50", "--quiet"});
    CHECK(three.wait() == 0);
    const std::string summary = three.last_line(), in = "6 messages in ";
    REQUIRE(summary.rfind(in, 0) == 0);
    CHECK(std::stod(summary.substr(in.size())) >= 0.1);
}

TEST_CASE("pub-sub-envelope: Ctrl-C does not wait for the interval", "[pub-sub-envelope]") {
    Process publisher("pub-sub-envelope/publisher",
                      {"--bind", any_port, "--interval", "2147483647", "--count", "2"});
    publisher.wait_for("published [B]");
    CHECK(publisher.stop(SIGINT) == 128 + SIGINT);
    CHECK(publisher.errors() == "publisher: interrupted, not finished\n");
    CHECK(publisher.last_line() == "2 messages");
}

TEST_CASE("pub-sub-envelope: Ctrl-C ends a publisher whose last messages nobody takes",
          "[pub-sub-envelope]") {
    const Folder folder;  // ipc: its buffers in the kernel are small
    // A publisher waits for nobody, so it may be through before its subscriber is there: then once
    // more.
    for (bool heard = false; !heard;) {
        Process publisher("pub-sub-envelope/publisher",
                          {"--bind", folder.endpoint("p"), "--interval", "1", "--count", "100",
                           "--sender", std::string(20000, 'x')});
        Peer subscriber(ZMQ_SUB);
        subscriber.set(ZMQ_RCVHWM, 1).subscribe("").connect(publisher.endpoint());
        zmq_pollitem_t item{subscriber.get(), 0, ZMQ_POLLIN, 0};
        while (zmq_poll(&item, 1, 10) == 0)
            if (publisher.output().find(" messages\n") != std::string::npos) break;
        if ((item.revents & ZMQ_POLLIN) == 0) continue;
        const auto frames = subscriber.receive();
        REQUIRE(frames.size() == 3);
        heard = std::stoi(frames[2].substr(std::string("letter ").size())) <= 50;
        if (!heard) continue;
        publisher.wait_for("200 messages");
        CHECK(publisher.stop(SIGINT) == 128 + SIGINT);
        CHECK(publisher.errors() == "publisher: interrupted, not finished\n");
        CHECK(publisher.last_line() == "200 messages");
    }
}

TEST_CASE("pub-sub-envelope: Ctrl-C ends a subscriber that hears nothing for it",
          "[pub-sub-envelope]") {
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("pub-sub-envelope/subscriber", {"--connect", publisher.endpoint()});
    publisher.receive();
    publisher.send({"Bx", "for another"});
    publisher.send({"B"});
    subscriber.wait_for_error("left out");
    CHECK(subscriber.stop(SIGINT) == 128 + SIGINT);
    CHECK(subscriber.output() == "0 messages\n");
}

TEST_CASE("pub-sub-envelope: an endpoint that is taken is named with a hint",
          "[pub-sub-envelope]") {
    Peer holder(ZMQ_PUB);
    holder.bind(any_port);
    finds_taken("pub-sub-envelope/publisher", {"--bind", holder.endpoint()}, holder.endpoint());
}

TEST_CASE("pub-sub-envelope: wrong arguments", "[pub-sub-envelope]") {
    is_refused("pub-sub-envelope/publisher", {"--sender"}, "--sender: its value is missing");
    is_refused("pub-sub-envelope/publisher", {"--to", "A"}, "--to: no such option");
    is_refused("pub-sub-envelope/publisher", {"--count", "1.5"},
               "--count 1.5: not a whole number from 0 to 2147483647");
    is_refused("pub-sub-envelope/subscriber", {"--key"}, "--key: its value is missing");
    is_refused("pub-sub-envelope/subscriber", {"B"}, "B: takes no such argument");
}
