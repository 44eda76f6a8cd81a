#include <zmq.h>

#include <csignal>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"

using Lines = std::vector<std::string>;

TEST_CASE("pub-sub: a publisher sends one message to each name in each round", "[pub-sub]") {
    Process publisher("pub-sub/publisher",
                      {"--bind", any_port, "--to", "a", "--to", "b", "--interval", "1"});
    Peer subscriber(ZMQ_SUB);
    subscriber.subscribe("").connect(publisher.endpoint());
    auto message = subscriber.receive();
    while (message.front().front() != 'a') message = subscriber.receive();
    const std::string round = message.front().substr(std::string("a: news ").size());
    CHECK(message == Lines{"a: news " + round});
    CHECK(subscriber.receive() == Lines{"b: news " + round});
    CHECK(subscriber.receive() == Lines{"a: news " + std::to_string(std::stoi(round) + 1)});
    CHECK(publisher.stop(SIGINT) == 0);
}

TEST_CASE("pub-sub: a publisher needs no subscriber and counts its rounds", "[pub-sub]") {
    Process publisher("pub-sub/publisher", {"--bind", any_port, "--count", "3", "--interval", "0"});
    CHECK(publisher.wait() == 0);
    CHECK(publisher.last_line() == "6 messages");
    CHECK(publisher.lines().size() == 1 + 6 + 1);
}

TEST_CASE("pub-sub: a subscriber gets only what begins with its name", "[pub-sub]") {
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("pub-sub/subscriber",
                       {"--connect", publisher.endpoint(), "--name", "sub1", "--count", "3"});
    REQUIRE(publisher.receive() == Lines{"\1sub1"});
    for (const std::string message :
         {"sub1", "sub2: no", "sub: no", "", "sub11", "xsub1", "sub1 end"})
        publisher.send({message});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() ==
          Lines{"received sub1", "received sub11", "received sub1 end", "3 messages"});
}

TEST_CASE("pub-sub: an empty name subscribes to everything", "[pub-sub]") {
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("pub-sub/subscriber",
                       {"--connect", publisher.endpoint(), "--name", "", "--count", "5"});
    REQUIRE(publisher.receive() == Lines{"\1"});
    publisher.send({""});
    publisher.send({std::string("\0\xff\\", 3)});
    publisher.send({std::string(1 << 20, 'x')});
    publisher.send({"first", "second", "third"});
    publisher.send({"last"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == Lines{"received ", "received \\x00\\xff\\\\",
                                      "received " + std::string(200, 'x') + "... (1048576 bytes)",
                                      "received first", "received last", "5 messages"});
}

TEST_CASE("pub-sub: subscribers and publisher may start in any order", "[pub-sub]") {
    const Folder folder;
    const Lines connect{"--connect", folder.endpoint("p"), "--count", "2", "--name"};
    const auto named = [&connect](const std::string& name) {
        Lines arguments = connect;
        arguments.push_back(name);
        return arguments;
    };
    Process early("pub-sub/subscriber", named("sub1"));
    Process publisher("pub-sub/publisher", {"--bind", folder.endpoint("p"), "--interval", "1"});
    publisher.endpoint();
    Process late("pub-sub/subscriber", named("sub2"));
    CHECK(early.wait() == 0);
    CHECK(late.wait() == 0);
    CHECK(early.last_line() == "2 messages");
    CHECK(late.last_line() == "2 messages");
    CHECK(late.lines().front().rfind("received sub2: news ", 0) == 0);
    CHECK(publisher.stop(SIGTERM) == 0);
    CHECK(publisher.errors() == "interrupted\n");
}

TEST_CASE("pub-sub: a subscriber outlives its publisher", "[pub-sub]") {
    const Folder folder;
    Process subscriber("pub-sub/subscriber", {"--connect", folder.endpoint("p"), "--count", "0"});
    for (const std::string life : {"first", "second"}) {
        Process publisher("pub-sub/publisher", {"--bind", folder.endpoint("p"), "--interval", "1",
                                                "--to", "sub1 in its " + life + " life"});
        subscriber.wait_for(life);
        CHECK(publisher.stop(SIGKILL) == -SIGKILL);
    }
    CHECK(subscriber.stop(SIGINT) == 0);
}

TEST_CASE("pub-sub: Ctrl-C does not wait for the interval", "[pub-sub]") {
    Process publisher("pub-sub/publisher", {"--bind", any_port, "--interval", "100000"});
    publisher.wait_for("published sub2");
    CHECK(publisher.stop(SIGINT) == 0);
    CHECK(publisher.last_line() == "2 messages");
}

TEST_CASE("pub-sub: Ctrl-C in the middle of traffic at full speed", "[pub-sub]") {
    Process publisher("pub-sub/publisher", {"--bind", any_port, "--interval", "0", "--quiet"});
    Process subscriber("pub-sub/subscriber", {"--connect", publisher.endpoint(), "--count", "0"});
    subscriber.wait_for("received");
    CHECK(publisher.stop(SIGINT) == 0);
    CHECK(subscriber.stop(SIGINT) == 0);
    CHECK(subscriber.errors() == "interrupted\n");
}

TEST_CASE("pub-sub: Ctrl-C ends a finite subscriber that has not finished", "[pub-sub]") {
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("pub-sub/subscriber", {"--connect", publisher.endpoint()});
    publisher.receive();
    publisher.send({"sub1"});
    subscriber.wait_for("received");
    CHECK(subscriber.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(subscriber.last_line() == "1 message");
    CHECK(subscriber.errors() == "subscriber: interrupted, not finished\n");
}
