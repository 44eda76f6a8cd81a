#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"

namespace {

using Frames = std::vector<std::string>;

const std::string an_id(32, 'a'), another_id(32, 'b');

std::vector<std::string> lines_of_subscriber(int count) {
    std::vector<std::string> lines(static_cast<size_t>(count), "received Rhubarb");
    lines.push_back(std::to_string(count) + " updates");
    return lines;
}

/// A publisher and its two endpoints.
struct Publisher : Process {
    explicit Publisher(std::vector<std::string> arguments)
        : Process("sync-pub-sub/publisher", with_endpoints(std::move(arguments))),
          updates(endpoint()),
          sync(endpoint()) {}
    static std::vector<std::string> with_endpoints(std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--bind", any_port, "--sync", any_port});
        return arguments;
    }
    std::string updates, sync;
};

struct Subscriber : Process {
    Subscriber(const std::string& updates, const std::string& sync,
               std::vector<std::string> arguments = {})
        : Process("sync-pub-sub/subscriber", with_endpoints(updates, sync, arguments)) {}
    explicit Subscriber(const Publisher& publisher)
        : Subscriber(publisher.updates, publisher.sync) {}
    static std::vector<std::string> with_endpoints(const std::string& updates,
                                                   const std::string& sync,
                                                   std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--connect", updates, "--sync", sync});
        return arguments;
    }
};

/// The two sockets of a subscriber, in the hands of a test.
struct Sockets {
    Peer sub{ZMQ_SUB}, req{ZMQ_REQ};
    Sockets(const std::string& updates, const std::string& sync, const Frames& topics) {
        for (const auto& topic : topics) sub.subscribe(topic);
        sub.connect(updates);
        req.connect(sync);
    }
    std::string report(const std::string& what) {
        req.send({what});
        return req.receive().at(0);
    }
    /// How many updates come before END.
    int updates() {
        int count = 0;
        while (sub.receive() == Frames{"Rhubarb"}) ++count;
        return count;
    }
};

/// Stands between one connecter and a bound endpoint. Accepts at once, but lets nothing through
/// before open().
class Relay {
 public:
    explicit Relay(const std::string& to) : to_(address(to)) {
        listener_ = must(socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in any = address("tcp://127.0.0.1:0");
        must(bind(listener_, reinterpret_cast<sockaddr*>(&any), sizeof any));
        must(listen(listener_, 1));
        socklen_t size = sizeof any;
        must(getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size));
        endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(any.sin_port));
        must(pipe(wake_.data()));
        for (const int fd : {listener_, wake_[0], wake_[1]}) must(fcntl(fd, F_SETFD, FD_CLOEXEC));
        thread_ = std::thread([this] { pass(); });
    }
    ~Relay() {
        close(wake_[1]);
        thread_.join();
        close(wake_[0]);
        close(listener_);
    }
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    const std::string& endpoint() const { return endpoint_; }
    void open() const { must(static_cast<int>(write(wake_[1], "o", 1))); }
    /// Waits until `part` has passed so many times on its way to the connecter.
    void wait_for(const std::string& part, int times) {
        const auto passed = [&] {
            int count = 0;
            for (size_t at = 0; (at = back_.find(part, at)) != std::string::npos; ++at) ++count;
            return count >= times;
        };
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, deadline, passed)) throw std::runtime_error("no " + part);
    }

 private:
    static int must(int result) {
        if (result == -1) throw std::runtime_error("a call of the relay's has failed");
        return result;
    }
    static sockaddr_in address(const std::string& endpoint) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port =
            htons(static_cast<uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        return address;
    }
    void pass() {
        int near = -1, far = -1;
        bool wanted = false;
        while (true) {
            pollfd items[] = {{wake_[0], POLLIN, 0},
                              {near == -1 ? listener_ : -1, POLLIN, 0},
                              {far == -1 ? -1 : near, POLLIN, 0},
                              {far, POLLIN, 0}};
            if (poll(items, 4, -1) == -1) continue;  // EINTR
            char buffer[65536];
            if (items[0].revents != 0) {
                if (read(wake_[0], buffer, 1) != 1) break;
                wanted = true;
            }
            if (items[1].revents != 0) near = accept(listener_, nullptr, nullptr);
            if (wanted && near != -1 && far == -1) {
                far = socket(AF_INET, SOCK_STREAM, 0);
                if (connect(far, reinterpret_cast<sockaddr*>(&to_), sizeof to_) == -1) break;
            }
            if (items[2].revents != 0 && !copy(near, far, buffer, sizeof buffer)) break;
            if (items[3].revents != 0) {
                const ssize_t size = copy(far, near, buffer, sizeof buffer);
                if (size == 0) break;
                const std::lock_guard lock(mutex_);
                back_.append(buffer, static_cast<size_t>(size));
                changed_.notify_all();
            }
        }
        for (const int fd : {near, far})
            if (fd != -1) {
                shutdown(fd, SHUT_RDWR);
                close(fd);
            }
    }
    /// 0 when one of them has ended.
    static ssize_t copy(int from, int to, char* buffer, size_t most) {
        const ssize_t size = recv(from, buffer, most, 0);
        for (ssize_t sent = 0; sent < size;) {
            const ssize_t now =
                send(to, buffer + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
            if (now == -1) return 0;
            sent += now;
        }
        return std::max<ssize_t>(size, 0);
    }

    sockaddr_in to_;
    int listener_ = -1;
    std::array<int, 2> wake_{};
    std::string endpoint_, back_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("sync-pub-sub: every subscriber gets every update", "[sync-pub-sub]") {
    Publisher publisher({});
    Subscriber a(publisher), b(publisher);
    CHECK(publisher.wait() == 0);
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    std::vector<std::string> lines{"listening on " + publisher.updates,
                                   "listening on " + publisher.sync, "1 of 2 subscribers",
                                   "2 of 2 subscribers"};
    lines.insert(lines.end(), 10, "published Rhubarb");
    lines.push_back("10 messages");
    CHECK(publisher.lines() == lines);
    CHECK(a.lines() == lines_of_subscriber(10));
    CHECK(b.lines() == lines_of_subscriber(10));
    for (Process* process :
         {static_cast<Process*>(&publisher), static_cast<Process*>(&a), static_cast<Process*>(&b)})
        CHECK(process->errors().empty());
}

TEST_CASE("sync-pub-sub: nobody misses an update in any order of starting", "[sync-pub-sub]") {
    struct Cast {
        Folder folder;
        size_t publisher;  // its place in `all`
        int count;
        std::vector<std::unique_ptr<Process>> all;
    };
    std::vector<std::unique_ptr<Cast>> casts;
    for (unsigned seed = 1; seed <= 10; ++seed) {
        std::mt19937 random(seed);
        auto cast = std::make_unique<Cast>();
        const std::string updates = cast->folder.endpoint("u"), sync = cast->folder.endpoint("s");
        const size_t subscribers = 1 + random() % 4;
        cast->publisher = random() % (subscribers + 1);
        cast->count = static_cast<int>(2 + random() % 50);
        const std::vector<std::string> arguments{"--bind",        updates,
                                                 "--sync",        sync,
                                                 "--subscribers", std::to_string(subscribers),
                                                 "--count",       std::to_string(cast->count)};
        for (size_t i = 0; i <= subscribers; ++i)
            if (i == cast->publisher)
                cast->all.push_back(std::make_unique<Process>("sync-pub-sub/publisher", arguments));
            else
                cast->all.push_back(std::make_unique<Subscriber>(updates, sync));
        casts.push_back(std::move(cast));
    }
    for (const auto& cast : casts)
        for (size_t i = 0; i < cast->all.size(); ++i) {
            CAPTURE(&cast - casts.data(), i);
            CHECK(cast->all[i]->wait() == 0);
            CHECK(cast->all[i]->last_line() ==
                  std::to_string(cast->count) + (i == cast->publisher ? " messages" : " updates"));
        }
}

TEST_CASE("sync-pub-sub: nothing is lost at full speed", "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "3", "--count", "50000", "--quiet"});
    const std::vector<std::string> quiet{"--quiet"};
    Subscriber a(publisher.updates, publisher.sync, quiet),
        b(publisher.updates, publisher.sync, quiet), c(publisher.updates, publisher.sync, quiet);
    CHECK(publisher.wait() == 0);
    CHECK(publisher.last_line().rfind("50000 messages in ", 0) == 0);
    CHECK(publisher.lines().size() == 3);
    for (Subscriber* subscriber : {&a, &b, &c}) {
        CHECK(subscriber->wait() == 0);
        CHECK(subscriber->output().rfind("50000 updates in ", 0) == 0);
    }
}

// Over ipc what is unread when the publisher ends is lost, where there is a limit to read up to.
TEST_CASE("sync-pub-sub: a slow subscriber gets all after the end of the publisher",
          "[sync-pub-sub]") {
    const Folder folder;
    const std::string updates = folder.endpoint("u"), sync = folder.endpoint("s");
    Process publisher("sync-pub-sub/publisher", {"--bind", updates, "--sync", sync, "--subscribers",
                                                 "1", "--count", "20000", "--quiet"});
    Subscriber subscriber(updates, sync);  // slow, for it prints each update
    CHECK(publisher.wait() == 0);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.last_line() == "20000 updates");
}

TEST_CASE("sync-pub-sub: a report without its subscription starts nothing", "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "1", "--count", "10000", "--quiet"});
    Relay updates(publisher.updates), sync(publisher.sync);
    Subscriber subscriber(updates.endpoint(), sync.endpoint(), {"--quiet"});
    sync.open();
    // It has reported three times, and its subscription is still held up.
    sync.wait_for("again", 2);
    CHECK(publisher.lines().size() == 2);
    updates.open();
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.output().rfind("10000 updates in ", 0) == 0);
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: a subscription without its report starts nothing", "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "1"});
    Peer xsub(ZMQ_XSUB), req(ZMQ_REQ);
    xsub.connect(publisher.updates);
    req.connect(publisher.sync);
    xsub.send({"\1"});
    xsub.send({"\1" + an_id});
    xsub.send({"that is all"});
    publisher.wait_for_error("that is all");
    req.send({another_id});
    CHECK(req.receive() == Frames{"again"});
    CHECK(publisher.lines().size() == 2);
    req.send({an_id});
    CHECK(req.receive() == Frames{""});
    CHECK(publisher.wait() == 0);
    CHECK(publisher.last_line() == "10 messages");
}

TEST_CASE("sync-pub-sub: one subscriber that reports twice is not two", "[sync-pub-sub]") {
    Publisher publisher({});
    Sockets twice(publisher.updates, publisher.sync, {"", an_id});
    while (twice.report(an_id) == "again") {
    }
    CHECK(twice.report(an_id).empty());
    CHECK(twice.report(another_id) == "again");  // it has not begun
    Subscriber subscriber(publisher);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == lines_of_subscriber(10));
    CHECK(twice.updates() == 10);
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: subscribers of the Guide are counted too", "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "3"});
    Sockets a(publisher.updates, publisher.sync, {""}), b(publisher.updates, publisher.sync, {""});
    CHECK(a.report("").empty());
    CHECK(b.report("").empty());
    publisher.wait_for("2 of 3 subscribers");
    Subscriber subscriber(publisher);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == lines_of_subscriber(10));
    CHECK(a.updates() == 10);
    CHECK(b.updates() == 10);
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: one of the Guide that reports twice is not two", "[sync-pub-sub]") {
    Publisher publisher({});
    Sockets twice(publisher.updates, publisher.sync, {""});
    CHECK(twice.report("").empty());
    CHECK(twice.report("").empty());
    publisher.wait_for("1 of 2 subscribers");
    // A subscription to everything that has an id makes no second one of it, either.
    Sockets other(publisher.updates, publisher.sync, {"", an_id});
    while (other.report(another_id) != "again") {
    }
    while (other.report(an_id) == "again") {
    }
    CHECK(other.updates() == 10);
    CHECK(twice.updates() == 10);
    CHECK(publisher.wait() == 0);
    CHECK(publisher.lines().at(3) == "2 of 2 subscribers");
}

TEST_CASE("sync-pub-sub: who reports and does not subscribe counts for nobody and blocks nobody",
          "[sync-pub-sub]") {
    Publisher publisher({});
    Sockets liar(publisher.updates, publisher.sync, {});
    CHECK(liar.report("").empty());
    CHECK(liar.report(an_id) == "again");
    liar.req.send({another_id});
    Subscriber a(publisher), b(publisher);
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(a.lines() == lines_of_subscriber(10));
    CHECK(b.lines() == lines_of_subscriber(10));
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: a subscriber killed before the start does not count", "[sync-pub-sub]") {
    Publisher publisher({});
    {
        Subscriber killed(publisher);
        publisher.wait_for("1 of 2 subscribers");
        CHECK(killed.stop(SIGKILL) == -SIGKILL);
        publisher.wait_for("0 of 2 subscribers");
    }
    Subscriber a(publisher), b(publisher);
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(a.lines() == lines_of_subscriber(10));
    CHECK(b.lines() == lines_of_subscriber(10));
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: a subscriber of the Guide that leaves before the start does not count",
          "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "3"});
    Sockets stays(publisher.updates, publisher.sync, {""});
    CHECK(stays.report("").empty());
    publisher.wait_for("1 of 3 subscribers");
    {
        Sockets leaves(publisher.updates, publisher.sync, {""});
        CHECK(leaves.report("").empty());
        publisher.wait_for("2 of 3 subscribers");
    }
    publisher.wait_for("1 of 3 subscribers");
    Subscriber a(publisher), b(publisher);
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(a.lines() == lines_of_subscriber(10));
    CHECK(b.lines() == lines_of_subscriber(10));
    CHECK(stays.updates() == 10);
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: a subscriber that comes too late is told so", "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "1", "--count", "0", "--quiet"});
    Subscriber subscriber(publisher.updates, publisher.sync);
    subscriber.wait_for("received Rhubarb");
    Subscriber late(publisher);
    CHECK(late.wait() == 1);
    CHECK(late.output().empty());
    CHECK(late.errors() == "subscriber: too late: the publisher has begun\n");
    subscriber.wait_for("received Rhubarb");
    CHECK(publisher.stop(SIGINT) == 0);
    CHECK(publisher.errors() == "interrupted\n");
}

TEST_CASE("sync-pub-sub: a subscriber too many is told so and the others get all",
          "[sync-pub-sub]") {
    Publisher publisher({});
    Relay updates(publisher.updates), sync(publisher.sync);
    Subscriber surplus(updates.endpoint(), sync.endpoint());
    sync.open();
    sync.wait_for("again", 1);  // so it is connected, but not yet subscribed
    Subscriber a(publisher), b(publisher);
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(a.lines() == lines_of_subscriber(10));
    CHECK(b.lines() == lines_of_subscriber(10));
    CHECK(publisher.wait() == 0);
    CHECK(surplus.wait() == 1);
    CHECK(surplus.errors().rfind("subscriber: too late: the publisher has ", 0) == 0);
}

TEST_CASE("sync-pub-sub: a subscriber whose report is never answered is told so",
          "[sync-pub-sub]") {
    Peer pub(ZMQ_XPUB);
    pub.bind(any_port);
    auto rep = std::make_unique<Peer>(ZMQ_REP);
    rep->bind(any_port);
    Subscriber subscriber(pub.endpoint(), rep->endpoint());
    CHECK(rep->receive().at(0).size() == 32);
    rep.reset();
    CHECK(subscriber.wait() == 1);
    CHECK(subscriber.errors() == "subscriber: too late: the publisher has gone\n");
    CHECK(subscriber.output().empty());
}

TEST_CASE("sync-pub-sub: a subscriber whose publisher is killed before END is told so",
          "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "1", "--count", "0", "--quiet"});
    Subscriber subscriber(publisher.updates, publisher.sync);
    subscriber.wait_for("received Rhubarb");
    publisher.signal(SIGKILL);
    CHECK(subscriber.wait() == 1);
    CHECK(subscriber.errors() == "subscriber: the publisher has gone before its END\n");
}

TEST_CASE("sync-pub-sub: a subscriber whose publisher is killed before the start is told so",
          "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "2"});
    Subscriber subscriber(publisher.updates, publisher.sync);
    publisher.wait_for("1 of 2 subscribers");
    publisher.signal(SIGKILL);
    CHECK(subscriber.wait() == 1);
    CHECK(subscriber.output().empty());
}

TEST_CASE("sync-pub-sub: a subscriber that has subscribed to one that left takes part in the next",
          "[sync-pub-sub]") {
    const Folder folder;
    Subscriber subscriber(folder.endpoint("u"), folder.endpoint("s"));
    {
        Peer first(ZMQ_XPUB);  // it takes no reports
        first.bind(folder.endpoint("u"));
        CHECK(first.receive().at(0) == "\1");
        CHECK(first.receive().at(0).size() == 1 + 32);
    }
    Process publisher("sync-pub-sub/publisher", {"--bind", folder.endpoint("u"), "--sync",
                                                 folder.endpoint("s"), "--subscribers", "1"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.last_line() == "10 updates");
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: what is no publisher does not end a subscriber", "[sync-pub-sub]") {
    const Folder folder;
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    folder.path("s").copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener, 1) == 0);
    REQUIRE(fcntl(listener, F_SETFD, FD_CLOEXEC) == 0);
    Subscriber subscriber(folder.endpoint("u"), folder.endpoint("s"));
    const int connection = accept(listener, nullptr, nullptr);
    CHECK(connection != -1);
    close(connection);
    close(listener);
    Peer rep(ZMQ_REP);
    rep.bind(folder.endpoint("s"));
    CHECK(rep.receive().at(0).size() == 32);
    CHECK(subscriber.stop(SIGINT) == 128 + SIGINT);
}

TEST_CASE("sync-pub-sub: a subscriber works with a publisher of the Guide", "[sync-pub-sub]") {
    Peer pub(ZMQ_XPUB), rep(ZMQ_REP);  // an XPUB, so that the test itself loses nothing
    pub.bind(any_port);
    rep.bind(any_port);
    Subscriber subscriber(pub.endpoint(), rep.endpoint());
    CHECK(pub.receive() == Frames{"\1"});
    const std::string id = pub.receive().at(0).substr(1);
    CHECK(rep.receive() == Frames{id});
    pub.send({"Rhubarb"});  // may be there before the reply
    rep.send({""});
    pub.send({std::string("\0\xff", 2)});
    pub.send({"Rhubarb", "and", "more"});
    pub.send({""});
    pub.send({"END"});
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == std::vector<std::string>{"received Rhubarb", "received \\x00\\xff",
                                                         "received ", "3 updates"});
    CHECK(subscriber.errors() == "subscriber: left out: an update of several frames: Rhubarb\n");
}

TEST_CASE("sync-pub-sub: each subscriber has an id of its own", "[sync-pub-sub]") {
    Peer pub(ZMQ_XPUB), rep(ZMQ_REP);
    pub.bind(any_port);
    rep.bind(any_port);
    std::vector<std::string> ids;
    for (int i = 0; i < 3; ++i) {
        Subscriber subscriber(pub.endpoint(), rep.endpoint());
        ids.push_back(rep.receive().at(0));
        rep.send({""});
        CHECK(subscriber.stop(SIGKILL) == -SIGKILL);
    }
    std::sort(ids.begin(), ids.end());
    CHECK(std::unique(ids.begin(), ids.end()) == ids.end());
}

TEST_CASE("sync-pub-sub: what is no report and no subscription is named and not counted",
          "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "1"});
    Peer xsub(ZMQ_XSUB);
    xsub.connect(publisher.updates);
    xsub.send({"\2what"});
    publisher.wait_for_error("publisher: left out: no subscription: \\x02what");
    xsub.send({""});
    publisher.wait_for_error("publisher: left out: no subscription: ");
    xsub.send({"\1"});
    xsub.send({"\1topic"});
    xsub.send({std::string(1, '\0') + "topic"});
    Sockets odd(publisher.updates, publisher.sync, {});
    CHECK(odd.report("what") == "again");
    publisher.wait_for_error("publisher: left out: no report: what");
    odd.req.send({an_id, ""});
    CHECK(odd.req.receive() == Frames{"again"});
    publisher.wait_for_error("publisher: left out: no report: several frames");
    CHECK(publisher.lines().size() == 2);
    Subscriber subscriber(publisher);
    CHECK(subscriber.wait() == 0);
    CHECK(subscriber.lines() == lines_of_subscriber(10));
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: an unsubscription of what was never subscribed does not count",
          "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "1"});
    RawPeer raw(publisher.updates);  // a SUB would not send such a thing
    const std::string greeting =
        std::string("\xff\0\0\0\0\0\0\0\1\x7f\3\0", 12) + "NULL" + std::string(48, '\0');
    raw.send(greeting);
    raw.receive(64);
    raw.send(std::string("\4\x19\5READY\xbSocket-Type\0\0\0\3SUB", 27));
    raw.send(std::string("\0\1\0", 3));
    raw.send(std::string("\0\x21\0", 3) + an_id);
    raw.send(std::string("\0\2\2!", 4));
    publisher.wait_for_error("left out");  // so it has come
    Sockets guide(publisher.updates, publisher.sync, {""});
    CHECK(guide.report("").empty());
    CHECK(guide.updates() == 10);
    CHECK(publisher.wait() == 0);
}

TEST_CASE("sync-pub-sub: Ctrl-C ends a publisher that nobody has joined", "[sync-pub-sub]") {
    Publisher publisher({});
    CHECK(publisher.stop(SIGINT) == 128 + SIGINT);
    CHECK(publisher.last_line() == "0 messages");
    CHECK(publisher.errors() == "publisher: interrupted, not finished\n");
}

TEST_CASE("sync-pub-sub: Ctrl-C while one waits for the other", "[sync-pub-sub]") {
    Publisher publisher({});
    Subscriber subscriber(publisher);
    publisher.wait_for("1 of 2 subscribers");
    CHECK(subscriber.stop(SIGINT) == 128 + SIGINT);
    CHECK(subscriber.output() == "0 updates\n");
    CHECK(subscriber.errors() == "subscriber: interrupted, not finished\n");
    CHECK(publisher.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(publisher.last_line() == "0 messages");
}

TEST_CASE("sync-pub-sub: Ctrl-C ends a subscriber that has no publisher", "[sync-pub-sub]") {
    const Folder folder;
    Subscriber subscriber(folder.endpoint("u"), folder.endpoint("s"));
    {
        Peer pub(ZMQ_XPUB);  // shows that it is up
        pub.bind(folder.endpoint("u"));
        pub.receive();
    }
    CHECK(subscriber.stop(SIGINT) == 128 + SIGINT);
    CHECK(subscriber.output() == "0 updates\n");
}

TEST_CASE("sync-pub-sub: Ctrl-C ends a subscriber whose report is not answered", "[sync-pub-sub]") {
    Peer pub(ZMQ_XPUB), rep(ZMQ_REP);
    pub.bind(any_port);
    rep.bind(any_port);
    Subscriber subscriber(pub.endpoint(), rep.endpoint());
    rep.receive();
    CHECK(subscriber.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(subscriber.output() == "0 updates\n");
}

TEST_CASE("sync-pub-sub: Ctrl-C in the middle of traffic", "[sync-pub-sub]") {
    Publisher publisher({"--subscribers", "1", "--count", "0"});
    Subscriber subscriber(publisher);
    subscriber.wait_for("received Rhubarb");
    CHECK(subscriber.stop(SIGINT) == 128 + SIGINT);
    publisher.wait_for("published Rhubarb");
    CHECK(publisher.stop(SIGINT) == 0);
    CHECK(publisher.errors() == "interrupted\n");
}

TEST_CASE("sync-pub-sub: Ctrl-C ends a publisher whose subscriber does not read",
          "[sync-pub-sub]") {
    const bool endless = GENERATE(true, false);
    Publisher publisher({"--subscribers", "1", "--count", endless ? "0" : "1000000", "--quiet"});
    Sockets stuck(publisher.updates, publisher.sync, {});
    stuck.sub.set(ZMQ_RCVHWM, 1).subscribe("");
    CHECK(stuck.report("").empty());
    stuck.sub.receive();
    if (!endless) publisher.wait_for("1000000 messages");
    CHECK(publisher.stop(SIGINT) == (endless ? 0 : 128 + SIGINT));
}

TEST_CASE("sync-pub-sub: a taken address is named", "[sync-pub-sub]") {
    Peer taken(ZMQ_REP);
    taken.bind(any_port);
    const std::string endpoint = taken.endpoint();
    const bool sync = GENERATE(false, true);
    Process publisher("sync-pub-sub/publisher",
                      {"--bind", sync ? any_port : endpoint, "--sync", sync ? endpoint : any_port});
    CHECK(publisher.wait() == 1);
    CHECK(publisher.errors().rfind("publisher: zmq_bind " + endpoint + ": Address already in use\n",
                                   0) == 0);
}

TEST_CASE("sync-pub-sub: a bad endpoint of a subscriber is named", "[sync-pub-sub]") {
    const std::string option = GENERATE("--connect", "--sync");
    Process subscriber("sync-pub-sub/subscriber", {option, "tcp://127.0.0.1:*"});
    CHECK(subscriber.wait() == 1);
    CHECK(subscriber.output().empty());
    CHECK(subscriber.errors().rfind("subscriber: zmq_connect tcp://127.0.0.1:*: ", 0) == 0);
}

TEST_CASE("sync-pub-sub: wrong arguments do nothing", "[sync-pub-sub]") {
    const auto [program, arguments] = GENERATE(
        table<std::string, std::vector<std::string>>({{"publisher", {"--subscribers", "-1"}},
                                                      {"publisher", {"--subscribers", "two"}},
                                                      {"publisher", {"--count", "1x"}},
                                                      {"publisher", {"--sync"}},
                                                      {"publisher", {"stray"}},
                                                      {"subscriber", {"--count", "1"}},
                                                      {"subscriber", {"--connect"}}}));
    Process process("sync-pub-sub/" + program, arguments);
    CHECK(process.wait() == 2);
    CHECK(process.output().empty());
    CHECK(process.errors().find("try: " + program + " --help\n") != std::string::npos);
}
