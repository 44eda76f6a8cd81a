#include <zmq.h>

#include <csignal>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "refusals.hpp"

using Lines = std::vector<std::string>;

namespace {

/// The number at the end of "NAME: news 12".
int round_of(const std::string& message) {
    return std::stoi(message.substr(message.rfind(' ')));
}

/// A publisher waits for nobody, so one of a few rounds may be through before its subscriber is
/// there. Gives `then` the subscriber, the publisher and the round that was heard first, as soon as
/// that was in the first half of `rounds`.
template <typename Then>
void heard_in_time(const std::string& bind, const std::string& name, int rounds, int room,
                   Then then) {
    for (bool heard = false; !heard;) {
        Process publisher("pub-sub/publisher", {"--bind", bind, "--to", name, "--interval", "1",
                                                "--count", std::to_string(rounds)});
        Peer subscriber(ZMQ_SUB);
        subscriber.set(ZMQ_RCVHWM, room).subscribe(name).connect(publisher.endpoint());
        zmq_pollitem_t item{subscriber.get(), 0, ZMQ_POLLIN, 0};
        while (zmq_poll(&item, 1, 10) == 0)
            if (publisher.output().find(" messages\n") != std::string::npos) break;
        if ((item.revents & ZMQ_POLLIN) == 0) continue;
        const int first = round_of(subscriber.receive().front());
        heard = first <= rounds / 2;
        if (heard) then(subscriber, publisher, first);
    }
}

}  // namespace

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
    const std::string endpoint = publisher.endpoint();
    CHECK(publisher.wait() == 0);
    CHECK(publisher.lines() == Lines{"listening on " + endpoint, "published sub1: news 1",
                                     "published sub2: news 1", "published sub1: news 2",
                                     "published sub2: news 2", "published sub1: news 3",
                                     "published sub2: news 3", "6 messages"});
    CHECK(publisher.errors().empty());
}

TEST_CASE("pub-sub: the interval is between two rounds and not after the last", "[pub-sub]") {
    Process one("pub-sub/publisher",
                {"--bind", any_port, "--count", "1", "--interval", "2147483647"});
    CHECK(one.wait() == 0);
    Process three("pub-sub/publisher",
                  {"--bind", any_port, "--count", "3", "--interval", "50", "--quiet"});
    CHECK(three.wait() == 0);
    const std::string summary = three.last_line(), in = "6 messages in ";
    REQUIRE(summary.rfind(in, 0) == 0);
    CHECK(std::stod(summary.substr(in.size())) >= 0.1);
}

TEST_CASE("pub-sub: a subscriber that comes late has missed what was published before",
          "[pub-sub]") {
    Process publisher("pub-sub/publisher", {"--bind", any_port, "--interval", "1"});
    const std::string endpoint = publisher.endpoint();
    publisher.wait_for("published sub1: news 20");
    Process subscriber("pub-sub/subscriber", {"--connect", endpoint, "--count", "5"});
    CHECK(subscriber.wait() == 0);
    const auto lines = subscriber.lines();
    REQUIRE(lines.size() == 6);
    const int first = round_of(lines.front());
    CHECK(first > 20);
    for (int n = 0; n < 5; ++n)  // from then on it misses nothing
        CHECK(lines[static_cast<size_t>(n)] == "received sub1: news " + std::to_string(first + n));
    CHECK(publisher.stop(SIGINT) == 0);
}

TEST_CASE("pub-sub: every subscriber of a name gets all its messages and no others", "[pub-sub]") {
    Process publisher("pub-sub/publisher", {"--bind", any_port, "--interval", "1"});
    const Lines connect{"--connect", publisher.endpoint(), "--count", "20", "--name"};
    const auto named = [&connect](const std::string& name) {
        Lines arguments = connect;
        arguments.push_back(name);
        return arguments;
    };
    Process a("pub-sub/subscriber", named("sub1")), b("pub-sub/subscriber", named("sub1"));
    Process c("pub-sub/subscriber", named("sub2"));
    for (Process* subscriber : {&a, &b, &c}) {
        CHECK(subscriber->wait() == 0);
        const auto lines = subscriber->lines();
        REQUIRE(lines.size() == 21);
        const std::string begin =
            subscriber == &c ? "received sub2: news " : "received sub1: news ";
        const int first = round_of(lines.front());
        for (int n = 0; n < 20; ++n)
            CHECK(lines[static_cast<size_t>(n)] == begin + std::to_string(first + n));
    }
    CHECK(publisher.stop(SIGINT) == 0);
}

TEST_CASE("pub-sub: a publisher ends only when its subscriber has its last message", "[pub-sub]") {
    const std::string name(100000, 'x');  // more than goes out in a moment
    heard_in_time(any_port, name, 100, 0, [&](Peer& subscriber, Process& publisher, int first) {
        for (int round = first + 1; round <= 100; ++round)
            REQUIRE(subscriber.receive() == Lines{name + ": news " + std::to_string(round)});
        CHECK(publisher.wait() == 0);
        CHECK(publisher.last_line() == "100 messages");
    });
}

TEST_CASE("pub-sub: Ctrl-C ends a publisher whose last messages nobody takes", "[pub-sub]") {
    const Folder folder;  // ipc: its buffers in the kernel are small
    heard_in_time(folder.endpoint("p"), std::string(20000, 'x'), 100, 1,
                  [](Peer&, Process& publisher, int) {
                      publisher.wait_for("100 messages");
                      CHECK(publisher.stop(SIGINT) == 128 + SIGINT);
                      CHECK(publisher.errors() == "publisher: interrupted, not finished\n");
                      CHECK(publisher.last_line() == "100 messages");
                  });
}

TEST_CASE("pub-sub: a subscriber that takes nothing holds up neither the others nor Ctrl-C",
          "[pub-sub]") {
    const Folder folder;
    const std::string name(20000, 'x');
    Process publisher("pub-sub/publisher", {"--bind", folder.endpoint("p"), "--interval", "1",
                                            "--to", name, "--to", "mark"});
    Peer stuck(ZMQ_SUB);
    stuck.set(ZMQ_RCVHWM, 1).subscribe("x").connect(publisher.endpoint());
    const int from = round_of(stuck.receive().front());
    Peer good(ZMQ_SUB);
    good.subscribe("mark").connect(folder.endpoint("p"));
    while (round_of(good.receive().front()) < from + 100) {
    }
    CHECK(publisher.stop(SIGINT) == 0);
    CHECK(publisher.errors() == "interrupted\n");
}

TEST_CASE("pub-sub: odd peers of a publisher harm no subscriber", "[pub-sub]") {
    Process publisher("pub-sub/publisher", {"--bind", any_port, "--interval", "1", "--quiet"});
    const std::string endpoint = publisher.endpoint();
    RawPeer web(endpoint), silent(endpoint);
    web.send("GET / HTTP/1.0\r\n\r\n");
    Peer request(ZMQ_REQ), talks(ZMQ_XSUB);
    request.connect(endpoint);
    request.send({"Hello"});
    talks.connect(endpoint);
    talks.send({"\1sub2"});
    CHECK(talks.receive().front().rfind("sub2: news ", 0) == 0);
    talks.send({"what no subscriber says", "to a publisher"});
    {
        Peer leaves(ZMQ_SUB);
        leaves.subscribe("").connect(endpoint);
        leaves.receive();
    }
    Process subscriber("pub-sub/subscriber", {"--connect", endpoint, "--count", "20"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.last_line() == "20 messages");
    CHECK(talks.receive().front().rfind("sub2: news ", 0) == 0);
    CHECK(publisher.stop(SIGINT) == 0);
}

TEST_CASE("pub-sub: with --quiet a subscriber says only how many and how fast", "[pub-sub]") {
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("pub-sub/subscriber",
                       {"--connect", publisher.endpoint(), "--count", "3", "--quiet"});
    publisher.receive();
    for (const std::string message : {"sub1", "sub2", "sub1 two", "sub1 three", "sub1 four"})
        publisher.send({message});
    CHECK(subscriber.wait() == 0);
    REQUIRE(subscriber.lines().size() == 1);
    CHECK(subscriber.last_line().rfind("3 messages in ", 0) == 0);
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

TEST_CASE("pub-sub: Ctrl-C ends a finite publisher that has not finished", "[pub-sub]") {
    Process publisher("pub-sub/publisher",
                      {"--bind", any_port, "--count", "2147483647", "--interval", "0", "--quiet"});
    publisher.endpoint();
    CHECK(publisher.stop(SIGINT) == 128 + SIGINT);
    CHECK(publisher.errors() == "publisher: interrupted, not finished\n");
    CHECK(publisher.last_line().find(" messages in ") != std::string::npos);
}

TEST_CASE("pub-sub: an endpoint that is taken is named with a hint", "[pub-sub]") {
    Peer holder(ZMQ_PUB);
    holder.bind(any_port);
    finds_taken("pub-sub/publisher", {"--bind", holder.endpoint()}, holder.endpoint());
}

TEST_CASE("pub-sub: wrong arguments", "[pub-sub]") {
    is_refused("pub-sub/publisher", {"--to"}, "--to: its value is missing");
    is_refused("pub-sub/publisher", {"--name", "sub1"}, "--name: no such option");
    is_refused("pub-sub/publisher", {"--interval", "-1"},
               "--interval -1: not a whole number from 0 to 2147483647");
    is_refused("pub-sub/subscriber", {"--count", "ten"},
               "--count ten: not a whole number from 0 to 2147483647");
    is_refused("pub-sub/subscriber", {"sub1"}, "sub1: takes no such argument");
}
