#include <csignal>

#include "catch.hpp"
#include "handshake.hpp"
#include "peer.hpp"

namespace {

/// What a subscriber prints that misses nothing.
Lines all_updates(int count) {
    Lines lines;
    for (int n = 1; n <= count; ++n) lines.push_back("received " + std::to_string(n));
    lines.push_back(std::to_string(count) + " updates");
    return lines;
}

struct Publisher : Process {
    Publisher(int subscribers, int count, const std::string& bind = any_port)
        : Process("sync-pub-sub/publisher --bind " + bind + " --sync " + any_port +
                  " --subscribers " + std::to_string(subscribers) + " --count " +
                  std::to_string(count)) {}
    const std::string updates = endpoint(), sync = endpoint();
};

struct Subscriber : Process {
    Subscriber(const std::string& updates, const std::string& sync, int patience = 0)
        : Process("sync-pub-sub/subscriber --connect " + updates + " --sync " + sync +
                  " --patience " + std::to_string(patience)) {}
};

/// Reports, and returns when the publisher has counted that. It answers only before it begins.
void report(Peer& req) {
    req.send({""});
    CHECK(req.receive() == Frames{""});
}

/// A publisher's sockets in the hands of a test, and a subscriber that has joined them.
struct Joined {
    explicit Joined(int patience = 0)
        : subscriber(pub.bind(any_port), rep.bind(any_port), patience) {
        CHECK(pub.receive() == Frames{"\1"});
        CHECK(rep.receive() == Frames{""});
    }
    void publish(const Lines& updates) {
        for (const auto& update : updates) pub.send({update});
    }
    /// Checks that the subscriber gives up, names the reason on one line, and has counted so many.
    void gives_up(const std::string& summary) {
        CHECK(subscriber.wait() == 1);
        CHECK(subscriber.last_line() == summary);
        CHECK(lines_of(subscriber.errors()).size() == 1);
        CHECK(subscriber.errors().rfind("subscriber: ", 0) == 0);
    }
    Peer pub{ZMQ_XPUB}, rep{ZMQ_REP};
    Subscriber subscriber;
};

}  // namespace

TEST_CASE("sync-pub-sub: a publisher starts when enough subscribers are there and have reported",
          "[sync-pub-sub]") {
    Publisher publisher(2, 10);
    Peer dealer(ZMQ_DEALER);  // its message makes a REP readable, and gives it nothing to receive
    dealer.connect_until(publisher.sync, ZMQ_EVENT_HANDSHAKE_SUCCEEDED).send({"no envelope"});
    RawPeer raw(publisher.updates);  // a SUB does not unsubscribe what it has not subscribed
    REQUIRE(zmtp::shake_hands(raw, "SUB"));
    raw.send(zmtp::frame(std::string(1, '\0')) + zmtp::frame("\2!"));
    publisher.wait_for_error("\\x02!");
    Peer stays(ZMQ_XSUB), req(ZMQ_REQ);
    {
        Peer leaves(ZMQ_XSUB);  // and is not counted, but before that the publisher has both
        for (Peer* xsub : {&stays, &leaves}) {
            xsub->connect(publisher.updates).send({"\1"});
            for (const std::string odd : {"hello", "", "\xff"}) {
                xsub->send({odd});
                publisher.wait_for_error("invalid subscription: " + printable(odd));
            }
        }
    }
    req.connect(publisher.sync).send({"what"});
    publisher.wait_for_error("what");
    CHECK(req.receive() == Frames{""});
    for (int n = 0; n < 3; ++n) report(req);
    CHECK(publisher.lines().size() == 2);
    Subscriber subscriber(publisher.updates, publisher.sync);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == all_updates(10));
    CHECK(subscriber.errors().empty());
    CHECK(publisher.wait() == 0);
    CHECK(publisher.ignored() ==
          Lines{"\\x02!", "hello", "", "\\xff", "hello", "", "\\xff", "what"});
}

TEST_CASE("sync-pub-sub: at full speed a slow subscriber receives all, and its publisher waits",
          "[sync-pub-sub]") {
    const Folder folder;  // ipc, because its buffers in the kernel are small
    Publisher publisher(1, 50000, folder.endpoint("u"));
    Subscriber slow(publisher.updates, publisher.sync);
    slow.wait_for("received 1");
    slow.signal(SIGSTOP);
    publisher.wait_for("50000 messages");
    if (GENERATE(true, false)) {  // Ctrl-C ends the wait
        CHECK(publisher.stop(SIGINT) == 128 + SIGINT);
        CHECK(publisher.errors() == "interrupted\n");
        return;
    }
    slow.signal(SIGCONT);
    CHECK(slow.wait() == 0);
    CHECK(slow.lines() == all_updates(50000));
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: an endless publisher waits for its slowest subscriber", "[sync-pub-sub]") {
    const Folder folder;
    Publisher publisher(2, 0, folder.endpoint("u"));
    Peer slow(ZMQ_SUB), fast(ZMQ_SUB), req(ZMQ_REQ);
    slow.set(ZMQ_RCVHWM, 1).subscribe("").connect(publisher.updates);
    fast.subscribe("").connect(publisher.updates);
    req.connect(publisher.sync);
    for (int n = 0; n < 2; ++n) report(req);
    const auto receives = [](Peer& sub, int n) { return sub.receive()[0] == std::to_string(n); };
    int last = 0;  // the fast one receives no more when the publisher waits for the slow one
    while (poll(fast, ZMQ_POLLIN, 100) != 0) {
        REQUIRE(receives(fast, ++last));
        REQUIRE(last < 100000);
    }
    for (int n = 1; n <= last; ++n) REQUIRE(receives(slow, n));
    CHECK(publisher.stop(SIGINT) == 128 + SIGINT);  // in the middle of a blocked send
}

TEST_CASE("sync-pub-sub: a subscriber notices that its publisher was killed, or stopped by Ctrl-C",
          "[sync-pub-sub]") {
    Publisher publisher(1, 0);
    Subscriber subscriber(publisher.updates, publisher.sync, 1000);
    subscriber.wait_for("received 1000");
    publisher.stop(GENERATE(SIGKILL, SIGINT));
    CHECK(subscriber.wait() == 1);  // no END
    auto lines = subscriber.lines();
    CHECK(lines == all_updates(static_cast<int>(lines.size()) - 1));
}

TEST_CASE("sync-pub-sub: a subscriber notices a late start, a gap, and an update that comes twice",
          "[sync-pub-sub]") {
    Joined joined;
    const bool late = GENERATE(true, false);
    if (late)
        joined.publish({GENERATE("2", "END", "2147483648", "4294967297", "18446744073709551615")});
    else
        joined.publish({"1", "2", GENERATE("4", "2", "1", "2147483651", "4294967299")});
    joined.publish({"3", "END"});
    joined.gives_up(late ? "" : "2 updates");
}

TEST_CASE("sync-pub-sub: the patience of a subscriber begins with the first update",
          "[sync-pub-sub]") {
    Joined joined(100);
    CHECK(poll(joined.pub, ZMQ_POLLIN, 300) == 0);  // an XPUB notices when a subscriber leaves
    joined.publish({"1"});
    joined.gives_up("1 update");
}

TEST_CASE("sync-pub-sub: updates of any bytes and any number of frames are counted",
          "[sync-pub-sub]") {
    Joined joined;
    joined.publish({"Rhubarb", "", std::string("\0\xff", 2), "0"});  // no numbers, as the Guide's
    joined.subscriber.wait_for("received Rhubarb");
    CHECK(poll(joined.pub, ZMQ_POLLIN, 300) == 0);  // a patience of 0 never ends
    joined.pub.send({"5", "END"});
    joined.pub.send({"6", "8", "9"});
    joined.publish({"END"});
    joined.rep.send({""});  // after everything, because the subscriber does not wait for it
    CHECK(joined.subscriber.wait() == 0);
    CHECK(joined.subscriber.lines() == Lines{"received Rhubarb", "received ", "received \\x00\\xff",
                                             "received 0", "received 5", "received 6",
                                             "6 updates"});
}
