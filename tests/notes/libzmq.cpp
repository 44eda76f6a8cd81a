// What docs/libzmq.md says about libzmq: a test case for each entry, by its title. Each asserts
// what libzmq 4.3.4 and 4.3.5 do today, so a libzmq that mends it makes the test fail and say so.
#include <poll.h>
#include <sys/un.h>

#include <chrono>
#include <optional>
#include <regex>
#include <set>

#include "notes.hpp"
#include "wire.hpp"
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // of gcc
#define SANITIZED
#elif defined(__has_feature)  // of clang
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#ifdef SANITIZED  // gcc has no header for this
extern "C" size_t __sanitizer_get_current_allocated_bytes();
static size_t allocated_bytes() { return __sanitizer_get_current_allocated_bytes(); }
#elif defined(__GLIBC__)
#include <malloc.h>
static size_t allocated_bytes() { return mallinfo2().uordblks; }
#endif

namespace notes {

namespace {

const std::string mended = [] {
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    return "libzmq " + std::to_string(major) + "." + std::to_string(minor) + "." +
           std::to_string(patch) +
           " does not do here what docs/libzmq.md says. If it has mended this, say so there, with "
           "the version, and turn this test round.";
}();

/// For what happens only if two threads meet: tries until it happens, at most until the deadline.
bool happens(const std::function<bool()>& once) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (std::chrono::steady_clock::now() < end)
        if (once()) return true;
    return false;
}

/// Does what the zmq_send before last did not: takes in what other threads have told this socket.
void process_commands(const Socket& socket) { socket.get(ZMQ_EVENTS); }

/// Whether `work`, in a process of its own, has ended within `ms` after it said "end".
bool ends(int ms, const Child::Work& work) {
    Child child(work);
    REQUIRE(child.read() == "end");
    pollfd item{child.fd(), POLLIN, 0};
    return ::poll(&item, 1, ms) == 1 && child.wait() == 0;
}

/// A TCP connection that knows nothing of ZeroMQ.
class Raw : public RawPeer {
 public:
    explicit Raw(RawPeer peer) : RawPeer(std::move(peer)) {}
    explicit Raw(const std::string& endpoint) : RawPeer(endpoint) {}
    /// Reads until `bytes` have come, or until the other side has closed: then false.
    bool receives(const std::string& bytes) {
        std::string all;
        for (std::string some; all.find(bytes) == all.npos; all += some)
            if ((some = receive_some()).empty()) return false;
        return true;
    }
};

/// Whether a connection comes within `ms`.
bool has_one(const Listener& listener, int ms = deadline_ms) {
    pollfd item{listener.fd(), POLLIN, 0};
    return ::poll(&item, 1, ms) == 1;
}

/// Returns when the I/O thread of `context` has seen all that has happened to its connections.
void wait_for_io_thread(void* context) {
    Socket other(context, ZMQ_PULL);
    Wire(other.bind(any_port), "PUSH").fence();
}

/// Returns when `context` has begun to take apart the sockets that have been closed.
void wait_for_reaper(void* context) {
    Socket last(context, ZMQ_PAIR), next(context, ZMQ_PAIR);
    last.bind("inproc://reaped");
    last.close();
    while (zmq_bind(next, "inproc://reaped") == -1)
        if (zmq_errno() != EADDRINUSE) throw std::runtime_error("zmq_bind");
}

/// A PUSH with a context of its own sends so many messages, and leaves when the kernel has all.
void send_and_leave(const std::string& endpoint, int count) {
    const Context context;
    Socket push(context, ZMQ_PUSH);
    push.set(ZMQ_LINGER, -1).set(ZMQ_SNDHWM, 0).connect(endpoint);
    for (int n = 0; n < count; ++n) send(push, {std::string(1000, 'x')});
}

}  // namespace

TEST_CASE("libzmq: a REQ sends half a request and takes the next one for the rest", "[libzmq]") {
    INFO(mended);
    const bool binds = GENERATE(false, true);
    const Context context;
    std::optional<WireFrame> third;
    CHECK(happens([&] {
        const Listener listener;
        Socket req(context, ZMQ_REQ);
        Monitor monitor(context, req, ZMQ_EVENT_DISCONNECTED);
        std::string bound;
        if (binds)
            bound = req.bind(any_port);
        else
            req.set(ZMQ_IMMEDIATE, 1).set(ZMQ_RECONNECT_IVL, 1).connect(listener.endpoint());
        const auto connection = [&] { return binds ? RawPeer(bound) : listener.take(); };
        Wire first_server(connection(), "REP");
        send(req, {"first"});
        first_server.receive();
        first_server.receive();
        first_server.send({"", true});
        first_server.send({"reply", false});
        receive(req);
        first_server.close();
        monitor.next();
        // The next zmq_send must find the end of the connection in the pipe, and must not take in
        // the command about it, which it does a millisecond after the last one.
        req.set(ZMQ_SNDTIMEO, 1);
        if (zmq_send(req, "second", 6, 0) != 6) return false;
        if (error_of(zmq_recv(req, nullptr, 0, ZMQ_DONTWAIT)) != EFSM) return false;
        Wire next_server(connection(), "REP");
        req.set(ZMQ_SNDTIMEO, deadline_ms);
        send(req, {"third"});
        third = next_server.receive();
        return true;
    }));
    CHECK(third == WireFrame{"third", false});  // a request would begin with a delimiter
}

TEST_CASE("libzmq: zmq_ctx_term waits forever for a peer that left at that moment", "[libzmq]") {
    INFO(mended);
    const auto has_ended = [](int linger) {
        return ends(linger == 0 ? deadline_ms : a_while, [linger](const auto& report) {
            const Context context;
            Socket push(context, ZMQ_PUSH), held_up(context, ZMQ_PULL), reader(context, ZMQ_PAIR);
            Wire pull(push.set(ZMQ_LINGER, linger).bind(any_port), "PULL");
            CHECK(poll(push, ZMQ_POLLOUT) == ZMQ_POLLOUT);
            // A monitor without a reader holds up the I/O thread at its first event, as load may.
            check(zmq_socket_monitor(held_up, "inproc://events", ZMQ_EVENT_DISCONNECTED));
            Wire(held_up.bind(any_port), "PUSH").fence();
            // Meanwhile the peer leaves, a message is sent, and the socket is closed.
            pull.close();
            send(push, {"x"});
            push.close();
            wait_for_reaper(context);
            // The I/O thread goes on. It learns of the end of the connection first.
            reader.connect("inproc://events");
            check(zmq_socket_monitor(held_up, nullptr, 0));
            report("end");
        });
    };
    CHECK_FALSE(has_ended(-1));
    CHECK(has_ended(0));
}

TEST_CASE("libzmq: zmq_ctx_term waits forever for a peer that left while reading was paused",
          "[libzmq]") {
    INFO(mended);
    const Folder folder;
    const auto has_ended = [&folder](int linger) {
        return ends(linger == 0 ? deadline_ms : a_while, [&](const auto& report) {
            const Context context;
            Socket pull(context, ZMQ_PULL);
            pull.set(ZMQ_LINGER, linger).set(ZMQ_RCVHWM, 1).bind(folder.endpoint("r"));
            send_and_leave(folder.endpoint("r"), 2);
            CHECK(poll(pull, ZMQ_POLLIN) == ZMQ_POLLIN);
            wait_for_io_thread(context);
            report("end");
        });
    };
    CHECK_FALSE(has_ended(-1));
    CHECK(has_ended(0));
}

TEST_CASE("libzmq: over ipc the end of a stream is lost while reading is paused", "[libzmq]") {
    INFO(mended);
    constexpr int sent = 40;  // of 1000 bytes: more than one read, less than the kernel holds
    const auto received = [](const std::string& endpoint, int most) {
        const Context context;
        Socket pull(context, ZMQ_PULL);
        const std::string bound = pull.set(ZMQ_RCVHWM, most).bind(endpoint);
        send_and_leave(bound, sent);
        wait_for_io_thread(context);
        int count = 0;
        while (count < sent && poll(pull, ZMQ_POLLIN, a_while) != 0) {
            receive(pull);
            ++count;
        }
        return count;
    };
    const Folder folder;
    const int over_ipc = received(folder.endpoint("r"), 1);
    CHECK(over_ipc > 0);
    CHECK(over_ipc < sent);
    CHECK(received(folder.endpoint("u"), 0) == sent);
    CHECK(received(any_port, 1) == sent);
}

TEST_CASE("libzmq: closing a monitor's reader stops the I/O thread", "[libzmq]") {
    INFO(mended);
    const auto stops = [](bool end_monitor_first) {
        Child child([end_monitor_first](const auto& report) {
            const Context context;
            Socket pull(context, ZMQ_PULL), watched(context, ZMQ_PULL), reader(context, ZMQ_PAIR);
            const std::string endpoint = watched.bind(any_port);
            check(zmq_socket_monitor(watched, "inproc://events", ZMQ_EVENT_ACCEPTED));
            reader.connect("inproc://events");
            if (end_monitor_first) zmq_socket_monitor(watched, nullptr, 0);
            reader.close();
            wait_for_reaper(context);
            Raw causes_an_event(endpoint);
            const Context other;
            Socket push(other, ZMQ_PUSH);
            push.connect(pull.bind(any_port));
            send(push, {"x"});
            report(poll(pull, ZMQ_POLLIN, end_monitor_first ? deadline_ms : a_while) == 0
                       ? "stopped"
                       : "runs");
        });
        return child.read_all();
    };
    CHECK(stops(false) == "stopped");
    CHECK(stops(true) == "runs");
}

TEST_CASE("libzmq: bytes that are not ZMTP make a peer that is sent tasks", "[libzmq]") {
    INFO(mended);
    const int type = GENERATE(ZMQ_PUSH, ZMQ_DEALER);
    const Context context;
    Socket socket(context, type);
    Raw browser(socket.bind(any_port));
    browser.send("GET / HTTP/1.1\r\n\r\n");
    CHECK(poll(socket, ZMQ_POLLOUT) == ZMQ_POLLOUT);
    CHECK(zmq_send(socket, "task", 4, ZMQ_DONTWAIT) == 4);
    CHECK(browser.receives("\5\0task"s));  // a frame of ZMTP 1.0

    Socket guarded(context, type);  // the cure
    Raw refused(guarded.set(ZMQ_ZAP_DOMAIN, "any").bind(any_port));
    refused.send("GET / HTTP/1.1\r\n\r\n");
    refused.wait_for_end();
    CHECK(poll(guarded, ZMQ_POLLOUT, 0) == 0);
}

TEST_CASE("libzmq: with a ZAP domain a connecting socket gives up after one odd answer",
          "[libzmq]") {
    INFO(mended);
    const Context context;
    const auto comes_again = [&context](const std::string& domain, int ms) {
        const Listener listener;
        Socket push(context, ZMQ_PUSH);
        if (!domain.empty()) push.set(ZMQ_ZAP_DOMAIN, domain);
        push.set(ZMQ_RECONNECT_IVL, 1).connect(listener.endpoint());
        {
            Raw odd(listener.take());
            odd.send("HTTP/1.1 400 Bad Request\r\n\r\n");
            if (!domain.empty()) odd.wait_for_end();
        }
        return has_one(listener, ms);
    };
    CHECK_FALSE(comes_again("any", a_while));
    CHECK(comes_again("", deadline_ms));
}

TEST_CASE("libzmq: a socket whose type was refused never connects again", "[libzmq]") {
    INFO(mended);
    const Context context;
    const auto comes_again = [&context](const std::string& type, int ms) {
        const Listener listener;
        Socket push(context, ZMQ_PUSH);
        push.set(ZMQ_RECONNECT_IVL, 1).connect(listener.endpoint());
        {
            Raw other(listener.take());
            other.send(zmtp::handshake(type));
            if (type == "PULL")
                other.receives("Socket-Type");
            else
                other.wait_for_end();
        }
        return has_one(listener, ms);
    };
    CHECK_FALSE(comes_again("PUB", a_while));
    CHECK(comes_again("PULL", deadline_ms));
}

TEST_CASE("libzmq: a REP loses the reply to the request after a malformed one", "[libzmq]") {
    INFO(mended);
    const bool zmtp_1 = GENERATE(false, true);
    const Context context;
    Socket rep(context, ZMQ_REP), dealer(context, ZMQ_DEALER);
    const std::string endpoint = rep.bind(any_port);
    if (zmtp_1)
        Raw(endpoint).send("\1\0\2\0x"s);  // an empty routing ID, and a message without delimiter
    else
        Wire(endpoint, "DEALER").send({"x", false});
    wait_for_io_thread(context);
    dealer.connect(endpoint);
    for (const std::string number : {"1", "2"}) {
        send(dealer, {"", "request " + number});
        CHECK(receive(rep) == Frames{"request " + number});
        CHECK(zmq_send(rep, number.data(), 1, 0) == 1);
    }
    CHECK(receive(dealer) == Frames{"", "2"});  // the reply to the first is lost
}

TEST_CASE("libzmq: a REP is readable and has nothing to receive", "[libzmq]") {
    INFO(mended);
    const Context context;
    Socket rep(context, ZMQ_REP), dealer(context, ZMQ_DEALER);
    dealer.connect(rep.bind(any_port));
    send(dealer, {"no delimiter"});
    CHECK(poll(rep, ZMQ_POLLIN) == ZMQ_POLLIN);
    CHECK(error_of(zmq_recv(rep, nullptr, 0, ZMQ_DONTWAIT)) == EAGAIN);
}

TEST_CASE("libzmq: a bound PAIR refuses a second peer and does not tell it", "[libzmq]") {
    INFO(mended);
    const Context context;
    Socket bound(context, ZMQ_PAIR);
    const std::string endpoint = bound.bind(any_port);
    Wire first(endpoint, "PAIR");
    first.send({"1", false});
    CHECK(receive(bound) == Frames{"1"});
    Wire second(endpoint, "PAIR");  // its handshake succeeds
    wait_for_io_thread(context);
    CHECK(poll(bound, ZMQ_POLLIN, 0) == 0);
    // The first leaves, and the second is still refused. Nothing closes its connection.
    first.close();
    wait_for_io_thread(context);
    CHECK(poll(bound, ZMQ_POLLIN, 0) == 0);
    second.send({"2", false});
    wait_for_io_thread(context);
    CHECK(poll(bound, ZMQ_POLLIN | ZMQ_POLLOUT, 0) == 0);
    Wire third(endpoint, "PAIR");
    third.send({"3", false});
    CHECK(receive(bound) == Frames{"3"});
    CHECK(second.is_open());
}

TEST_CASE("libzmq: zmq_send does not notice a new peer", "[libzmq]") {
    INFO(mended);
    CHECK(happens([] {
        const Context context;
        Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
        push.bind("inproc://tasks");
        CHECK(error_of(zmq_send(push, "x", 1, ZMQ_DONTWAIT)) == EAGAIN);
        pull.connect("inproc://tasks");
        if (zmq_send(push, "x", 1, ZMQ_DONTWAIT) == 1) return false;  // a millisecond later
        CHECK(zmq_errno() == EAGAIN);
        process_commands(push);
        CHECK(zmq_send(push, "x", 1, ZMQ_DONTWAIT) == 1);
        return true;
    }));
}

TEST_CASE("libzmq: a SUB that is not called does not subscribe", "[libzmq]") {
    INFO(mended);
    const Context context;
    SECTION("bound, at a new peer") {
        Socket sub(context, ZMQ_SUB);
        Wire publisher(sub.set(ZMQ_SUBSCRIBE, "A").bind(any_port), "XPUB");
        CHECK(publisher.fence().empty());
        process_commands(sub);
        CHECK(publisher.receive() == WireFrame{"\1A", false});
    }
    SECTION("connecting, when its connection is made again") {
        const Listener listener;
        Socket sub(context, ZMQ_SUB);
        sub.set(ZMQ_SUBSCRIBE, "A").set(ZMQ_RECONNECT_IVL, 1).connect(listener.endpoint());
        CHECK(Wire(listener.take(), "XPUB").receive() == WireFrame{"\1A", false});
        Wire publisher(listener.take(), "XPUB");
        CHECK(publisher.fence().empty());
        process_commands(sub);
        CHECK(publisher.receive() == WireFrame{"\1A", false});
    }
}

TEST_CASE("libzmq: an XPUB hands up the end of a subscription that never began", "[libzmq]") {
    INFO(mended);
    const Context context;
    Socket xpub(context, ZMQ_XPUB);
    Wire sub(xpub.bind(any_port), "SUB");
    sub.send({"\0topic"s, false});
    CHECK(receive(xpub) == Frames{"\0topic"s});
}

TEST_CASE("libzmq: ZMQ_SUBSCRIBE with NULL and a length ends the process", "[libzmq]") {
    INFO(mended);
    Child child([](const auto& report) {
        const Context context;
        const Socket sub(context, ZMQ_SUB);
        zmq_setsockopt(sub, ZMQ_SUBSCRIBE, nullptr, 1);
        report("returned");
    });
    CHECK(child.read_all().empty());
    const int end = child.wait();
    CHECK((end == -SIGABRT || end == -SIGSEGV));
}

TEST_CASE("libzmq: a port above 65535 is another port", "[libzmq]") {
    INFO(mended);
    const Context context;
    Socket pull(context, ZMQ_PULL), push(context, ZMQ_PUSH);
    const int port = std::stoi(pull.bind(any_port).substr("tcp://127.0.0.1:"s.size()));
    CHECK(zmq_connect(push, ("tcp://127.0.0.1:" + std::to_string(port + 65536)).c_str()) == 0);
    send(push, {"x"});
    CHECK(receive(pull) == Frames{"x"});
}

TEST_CASE("libzmq: a second zmq_bind takes an ipc endpoint over", "[libzmq]") {
    INFO(mended);
    const Folder folder;
    const Context context;
    Socket first(context, ZMQ_PULL), second(context, ZMQ_PULL), push(context, ZMQ_PUSH);
    Monitor monitor(context, first);
    first.bind(folder.endpoint("taken"));
    CHECK(monitor.next().id == ZMQ_EVENT_LISTENING);
    CHECK(zmq_bind(second, folder.endpoint("taken").c_str()) == 0);
    push.connect(folder.endpoint("taken"));
    send(push, {"x"});
    CHECK(receive(second) == Frames{"x"});
    CHECK(poll(monitor.reader(), ZMQ_POLLIN, 0) == 0);  // the first gets no error
}

TEST_CASE("libzmq: after zmq_close an inproc name is still taken", "[libzmq]") {
    INFO(mended);
    const Context context;
    CHECK(happens([&context] {
        Socket first(context, ZMQ_PAIR), second(context, ZMQ_PAIR), third(context, ZMQ_PAIR);
        first.bind("inproc://name");
        first.close();
        const bool taken = error_of(zmq_bind(second, "inproc://name")) == EADDRINUSE;
        if (!taken) CHECK(zmq_unbind(second, "inproc://name") == 0);
        while (zmq_bind(third, "inproc://name") == -1)
            if (zmq_errno() != EADDRINUSE) throw std::runtime_error("zmq_bind");
        CHECK(zmq_unbind(third, "inproc://name") == 0);  // releases it at once
        return taken;
    }));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__GLIBC__)
TEST_CASE("libzmq: after zmq_ctx_shutdown each event of a monitor leaks a message", "[libzmq]") {
    INFO(mended);
    constexpr size_t events = 1000;
    const auto bytes_for_each = [](bool shut_down) {
        const Folder folder;
        Child child([&](const auto& report) {
            const std::string path = folder.path("a-name-so-long-that-it-needs-memory-of-its-own");
            const Context context;
            Socket pull(context, ZMQ_PULL);
            pull.bind("ipc://" + path);
            Monitor monitor(context, pull, ZMQ_EVENT_ACCEPTED);
            if (shut_down) zmq_ctx_shutdown(context);
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            path.copy(address.sun_path, sizeof address.sun_path - 1);
            const auto connections = [&](size_t count) {
                for (; count > 0; --count) {
                    const int fd = check(::socket(AF_UNIX, SOCK_STREAM, 0));
                    check(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
                    char byte;  // libzmq greets after the event
                    check(static_cast<int>(::read(fd, &byte, 1)));
                    ::close(fd);
                    if (!shut_down) monitor.next();
                }
            };
            connections(50);
            const size_t before = allocated_bytes();
            connections(events);
            report(std::to_string(
                (static_cast<double>(allocated_bytes()) - static_cast<double>(before)) /
                static_cast<double>(events)));
        });
        return std::stod(child.read_all());
    };
    CHECK(bytes_for_each(true) > 100);
    CHECK(bytes_for_each(false) < 70);
}
#endif

TEST_CASE("libzmq: every entry of the page has its test", "[pages]") {
    std::set<std::string> entries, tests;
    for (const auto& line : lines_of(read_file(SOURCE_DIR "/docs/libzmq.md")))
        if (line.rfind("### ", 0) == 0) entries.insert(line.substr(4));
    const std::string source = read_file(SOURCE_DIR "/tests/notes/libzmq.cpp");
    static const std::regex test("TEST_CASE\\(\\s*\"libzmq: ([^\"]*)\",\\s*\"\\[libzmq\\]");
    for (std::sregex_iterator at(source.begin(), source.end(), test), end; at != end; ++at)
        tests.insert((*at)[1]);
    CHECK(entries == tests);
    CHECK(tests.size() > 10);
}

}  // namespace notes
