#include <csignal>
#include <deque>

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
    Publisher(int subscribers, int count, const std::string& bind = any_port,
              const std::string& bind_sync = any_port)
        : Process("sync-pub-sub/publisher",
                  {"--bind", bind, "--sync", bind_sync, "--subscribers",
                   std::to_string(subscribers), "--count", std::to_string(count)}) {}
    const std::string updates = endpoint(), sync = endpoint();
};

struct Subscriber : Process {
    Subscriber(const std::string& updates, const std::string& sync, int patience = 0)
        : Process("sync-pub-sub/subscriber",
                  {"--connect", updates, "--sync", sync, "--patience", std::to_string(patience)}) {}
};

/// Reports, and returns when the publisher has counted that. It answers only before it begins.
void report(Peer& req) {
    req.send({""});
    CHECK(req.receive() == Frames{""});
}

/// Subscribes, and returns when the publisher has counted that and named the odd message behind it.
void subscribe(Peer& xsub, Publisher& publisher, const std::string& odd) {
    xsub.connect(publisher.updates).send({"\1"});
    xsub.send({odd});
    publisher.wait_for_error(odd);
}

/// A subscriber made of the two sockets that the Guide's has.
struct Sockets {
    Sockets(const std::string& updates, const std::string& sync, int room = 0) {
        sub.set(ZMQ_RCVHWM, room).subscribe("").connect(updates);
        report(req.connect(sync));
    }
    void receive_updates(int from, int to) {
        for (int n = from; n <= to; ++n) REQUIRE(sub.receive() == Frames{std::to_string(n)});
    }
    Peer sub{ZMQ_SUB}, req{ZMQ_REQ};
};

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

TEST_CASE("sync-pub-sub: every subscriber receives every update", "[sync-pub-sub]") {
    Publisher publisher(2, 10);
    Subscriber a(publisher.updates, publisher.sync), b(publisher.updates, publisher.sync);
    CHECK(publisher.wait() == 0);
    Lines lines{"listening on " + publisher.updates, "listening on " + publisher.sync};
    for (int n = 1; n <= 10; ++n) lines.push_back("published " + std::to_string(n));
    lines.push_back("10 messages");
    CHECK(publisher.lines() == lines);
    for (Process* subscriber : {&a, &b}) {
        CHECK(subscriber->wait() == 0);
        CHECK(subscriber->lines() == all_updates(10));
        CHECK(subscriber->errors().empty());
    }
}

TEST_CASE("sync-pub-sub: no subscriber misses an update in any order of starting",
          "[sync-pub-sub]") {
    struct Cast {
        Folder folder;
        std::deque<Process> publisher;
        std::deque<Subscriber> subscribers;
        int count;
    };
    std::deque<Cast> casts;  // all at once, because a connecter tries again only now and then
    for (size_t of = 1; of <= 4; ++of)
        for (size_t place = 0; place <= of; ++place) {
            Cast& cast = casts.emplace_back();
            cast.count = static_cast<int>(10 * of + place);
            const auto updates = cast.folder.endpoint("u"), sync = cast.folder.endpoint("s");
            for (size_t i = 0; i <= of; ++i)
                if (i == place)
                    cast.publisher.emplace_back(
                        "sync-pub-sub/publisher",
                        Lines{"--bind", updates, "--sync", sync, "--subscribers",
                              std::to_string(of), "--count", std::to_string(cast.count)});
                else
                    cast.subscribers.emplace_back(updates, sync);
        }
    for (auto& cast : casts) {
        CHECK(cast.publisher[0].wait() == 0);
        for (auto& subscriber : cast.subscribers) {
            CHECK(subscriber.wait() == 0);
            CHECK(subscriber.lines() == all_updates(cast.count));
        }
    }
}

TEST_CASE("sync-pub-sub: reports alone start nothing", "[sync-pub-sub]") {
    Publisher publisher(1, 10);
    Peer req(ZMQ_REQ);
    req.connect(publisher.sync);
    for (int n = 0; n < 3; ++n) report(req);  // it answers all, so it has not begun
    Subscriber subscriber(publisher.updates, publisher.sync);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == all_updates(10));
}

TEST_CASE("sync-pub-sub: subscriptions alone start nothing", "[sync-pub-sub]") {
    Publisher publisher(1, 10);
    Peer xsub(ZMQ_XSUB), req(ZMQ_REQ);
    subscribe(xsub, publisher, "a fence");
    report(req.connect(publisher.sync));
    for (int n = 1; n <= 10; ++n) CHECK(xsub.receive() == Frames{std::to_string(n)});
    CHECK(xsub.receive() == Frames{"END"});
}

TEST_CASE("sync-pub-sub: a subscriber that left before the start is not counted",
          "[sync-pub-sub]") {
    Publisher publisher(2, 10);
    {
        Peer leaves(ZMQ_XSUB);
        subscribe(leaves, publisher, "leaves");
    }
    Peer stays(ZMQ_XSUB), req(ZMQ_REQ);
    subscribe(stays, publisher, "stays");
    req.connect(publisher.sync);
    for (int n = 0; n < 3; ++n) report(req);
    Subscriber subscriber(publisher.updates, publisher.sync);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == all_updates(10));
}

TEST_CASE("sync-pub-sub: subscribers of the Guide take part", "[sync-pub-sub]") {
    Publisher publisher(3, 10);
    Sockets a(publisher.updates, publisher.sync), b(publisher.updates, publisher.sync);
    Subscriber late(publisher.updates, publisher.sync);
    CHECK(late.wait() == 0);
    CHECK(late.lines() == all_updates(10));
    for (Sockets* sockets : {&a, &b}) {
        sockets->receive_updates(1, 10);
        CHECK(sockets->sub.receive() == Frames{"END"});
    }
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: what is no report and no subscription is named and starts nothing",
          "[sync-pub-sub]") {
    Publisher publisher(1, 10);
    Peer dealer(ZMQ_DEALER);  // its message makes a REP readable, and gives it nothing to receive
    dealer.connect_until(publisher.sync, ZMQ_EVENT_HANDSHAKE_SUCCEEDED).send({"no envelope"});
    RawPeer raw(publisher.updates);  // a SUB does not unsubscribe what it has not subscribed
    REQUIRE(zmtp::shake_hands(raw, "SUB"));
    raw.send(zmtp::frame(std::string(1, '\0')) + zmtp::frame("\2!"));
    publisher.wait_for_error("\\x02!");
    Peer xsub(ZMQ_XSUB), req(ZMQ_REQ);
    xsub.connect(publisher.updates);
    for (const std::string odd : {"hello", "", "\xff"}) {
        xsub.send({odd});
        publisher.wait_for_error("ignored an invalid subscription: " + printable(odd));
    }
    req.connect(publisher.sync).send({"what"});
    publisher.wait_for_error("what");
    CHECK(publisher.lines().size() == 2);
    Subscriber subscriber(publisher.updates, publisher.sync);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == all_updates(10));
    CHECK(publisher.wait() == 0);
    for (const auto& line : lines_of(publisher.errors()))
        CHECK(line.rfind("publisher: ignored ", 0) == 0);
}

TEST_CASE("sync-pub-sub: at full speed a slow subscriber receives all, and its publisher waits",
          "[sync-pub-sub]") {
    const Folder folder;  // ipc, because its buffers in the kernel are small
    Publisher publisher(1, 50000, folder.endpoint("u"));
    Subscriber slow(publisher.updates, publisher.sync);
    slow.wait_for("received 1");
    slow.signal(SIGSTOP);
    publisher.wait_for("50000 messages");
    slow.signal(SIGCONT);
    CHECK(slow.wait() == 0);
    CHECK(slow.lines() == all_updates(50000));
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: an endless publisher waits for its slowest subscriber", "[sync-pub-sub]") {
    const Folder folder;
    Publisher publisher(1, 0, folder.endpoint("u"));
    Sockets slow(publisher.updates, publisher.sync, 1);
    slow.receive_updates(1, 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // room for it to run ahead
    slow.receive_updates(2, 40000);
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

TEST_CASE("sync-pub-sub: a late subscriber says so and counts nothing", "[sync-pub-sub]") {
    Publisher publisher(1, 0);
    Subscriber first(publisher.updates, publisher.sync);
    first.wait_for("received 1");
    Subscriber late(publisher.updates, publisher.sync);
    CHECK(late.wait() == 1);
    CHECK(late.output().empty());
    CHECK(late.errors().find("late") != std::string::npos);
    first.wait_for("received ");
}

TEST_CASE("sync-pub-sub: a first update that is not 1, or END, is too late", "[sync-pub-sub]") {
    Joined joined;
    joined.publish({GENERATE("2", "END", "2147483648", "4294967297", "18446744073709551615"), "1"});
    joined.gives_up("");
}

TEST_CASE("sync-pub-sub: a subscriber notices a gap and an update that comes twice",
          "[sync-pub-sub]") {
    Joined joined;
    joined.publish({"1", "2", GENERATE("4", "2", "1", "2147483651", "4294967299"), "3", "END"});
    joined.gives_up("2 updates");
}

TEST_CASE("sync-pub-sub: the patience of a subscriber begins with the first update",
          "[sync-pub-sub]") {
    Joined joined(100);
    CHECK(poll(joined.pub, ZMQ_POLLIN, 300) == 0);  // an XPUB notices when a subscriber leaves
    joined.publish({"1"});
    joined.gives_up("1 update");
}

TEST_CASE("sync-pub-sub: a patience of 0 never ends", "[sync-pub-sub]") {
    Joined joined(0);
    joined.publish({"1"});
    joined.subscriber.wait_for("received 1");
    CHECK(poll(joined.pub, ZMQ_POLLIN, 300) == 0);
    joined.publish({"2", "END"});
    CHECK(joined.subscriber.wait() == 0);
    CHECK(joined.subscriber.lines() == all_updates(2));
}

TEST_CASE("sync-pub-sub: updates that are no numbers, as the Guide's, are only counted",
          "[sync-pub-sub]") {
    Joined joined;
    joined.publish({"Rhubarb", "", std::string("\0\xff", 2), "Rhubarb", "0", "END"});
    joined.rep.send({""});  // after everything, because the subscriber does not wait for it
    CHECK(joined.subscriber.wait() == 0);
    CHECK(joined.subscriber.lines() == Lines{"received Rhubarb", "received ", "received \\x00\\xff",
                                             "received Rhubarb", "received 0", "5 updates"});
}

TEST_CASE("sync-pub-sub: only the first frame of an update counts", "[sync-pub-sub]") {
    Joined joined;
    for (const Frames& update : {Frames{"1"}, {"2", "END"}, {"3", "4", "5"}, {"END"}})
        joined.pub.send(update);
    CHECK(joined.subscriber.wait() == 0);
    CHECK(joined.subscriber.lines() == all_updates(3));
}
