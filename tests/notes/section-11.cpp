// Section 11 of the notes: errors.
#include <array>
#include <atomic>
#include <csignal>
#include <future>
#include <thread>
#include <utility>

#include "notes.hpp"

namespace notes {

namespace {

/// Three blocked calls, each in its own thread: a receive, a send and a poll. Each future returns
/// an error number.
struct Blocked {
    std::array<void*, 3> sockets;
    zmq_msg_t unsent;
    std::array<std::future<int>, 3> calls;
    explicit Blocked(void* context)
        : sockets{zmq_socket(context, ZMQ_PULL), zmq_socket(context, ZMQ_PUSH),
                  zmq_socket(context, ZMQ_PULL)} {
        check(zmq_bind(sockets[1], "inproc://unconnected"));
        check(zmq_msg_init_size(&unsent, 5));
        const auto run = [](auto call) { return std::async(std::launch::async, call); };
        calls[0] = run([this] { return error_of(zmq_recv(sockets[0], nullptr, 0, 0)); });
        calls[1] = run([this] { return error_of(zmq_msg_send(&unsent, sockets[1], 0)); });
        calls[2] = run([this] {
            zmq_pollitem_t item{sockets[2], 0, ZMQ_POLLIN, 0};
            return error_of(zmq_poll(&item, 1, -1));
        });
        const auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds(a_while);
        for (auto& call : calls) CHECK(call.wait_until(later) == std::future_status::timeout);
    }
    void all_end_with_eterm() {
        for (auto& call : calls) {
            REQUIRE(call.wait_for(deadline) == std::future_status::ready);
            CHECK(call.get() == ETERM);
        }
        CHECK(zmq_msg_size(&unsent) == 5);  // the caller still owns it
        CHECK(zmq_msg_close(&unsent) == 0);
    }
};

/// A PAIR of sockets over inproc, connected.
struct Line {
    Context context;
    Socket near{context, ZMQ_PAIR}, far{context, ZMQ_PAIR};
    Line() {
        near.bind("inproc://line");
        far.connect("inproc://line");
    }
};

}  // namespace

TEST_CASE("11.1.1: functions that make an object return NULL when they fail", "[notes]") {
    const Context context;
    CHECK(zmq_socket(context, 999) == nullptr);
    CHECK(zmq_errno() == EINVAL);
    CHECK(zmq_socket(nullptr, ZMQ_REQ) == nullptr);
    CHECK(zmq_errno() == EFAULT);
    void* const socket = zmq_socket(context, ZMQ_REQ);
    CHECK(socket != nullptr);
    CHECK(zmq_close(socket) == 0);
    check(zmq_ctx_shutdown(context));
    CHECK(zmq_socket(context, ZMQ_REQ) == nullptr);
    CHECK(zmq_errno() == ETERM);
}

TEST_CASE("11.1.1: zmq_ctx_new returns NULL when it fails", "[notes]") {
    Child child([](const auto& report) {
        const rlimit none{0, 0};
        check(setrlimit(RLIMIT_NOFILE, &none));
        report(zmq_ctx_new() == nullptr && zmq_errno() == EMFILE ? "NULL, EMFILE" : "a context");
    });
    CHECK(child.read_all() == "NULL, EMFILE");
    CHECK(child.wait() == 0);
}

TEST_CASE("11.1.1: the zmq_msg_init calls initialise a message and return 0", "[notes]") {
    zmq_msg_t message;
    CHECK(zmq_msg_init(&message) == 0);
    CHECK(zmq_msg_close(&message) == 0);
    CHECK(zmq_msg_init_size(&message, 100) == 0);
    CHECK(zmq_msg_close(&message) == 0);
    char body[] = "Hello";
    CHECK(zmq_msg_init_data(&message, body, sizeof body, nullptr, nullptr) == 0);
    CHECK(zmq_msg_close(&message) == 0);
    CHECK(zmq_msg_init_size(&message, SIZE_MAX) == -1);
    CHECK(zmq_errno() == ENOMEM);
}

TEST_CASE("11.1.2: functions that send or receive return a number of bytes or -1", "[notes]") {
    Line line;
    char bytes[8];
    CHECK(zmq_send(line.near, "hello", 5, 0) == 5);
    CHECK(zmq_recv(line.far, bytes, sizeof bytes, 0) == 5);
    CHECK(zmq_send(line.near, "", 0, 0) == 0);
    CHECK(zmq_recv(line.far, bytes, sizeof bytes, 0) == 0);  // an empty message, not an error
    CHECK(zmq_recv(line.far, bytes, sizeof bytes, ZMQ_DONTWAIT) == -1);
    CHECK(zmq_errno() == EAGAIN);
    zmq_msg_t message;
    check(zmq_msg_init_size(&message, 3));
    CHECK(zmq_msg_send(&message, line.near, 0) == 3);
    CHECK(zmq_msg_recv(&message, line.far, 0) == 3);
    check(zmq_msg_close(&message));
}

TEST_CASE("11.1.2: zmq_recv returns the size of the message even if the buffer is shorter",
          "[notes]") {
    Line line;
    std::string buffer = "......";
    send(line.near, {"hello"});
    send(line.near, {"next"});
    CHECK(zmq_recv(line.far, buffer.data(), 3, 0) == 5);
    CHECK(buffer == "hel...");
    CHECK(receive(line.far) == Frames{"next"});  // the rest is lost
}

TEST_CASE("11.1.3: other functions return 0 or -1", "[notes]") {
    const Context context;
    Socket socket(context, ZMQ_PAIR);
    const int on = 1;
    int value;
    size_t size = sizeof value;
    CHECK(zmq_bind(socket, "inproc://a") == 0);
    CHECK(zmq_bind(socket, "nonsense") == -1);
    CHECK(zmq_unbind(socket, "inproc://a") == 0);
    CHECK(zmq_unbind(socket, "inproc://a") == -1);
    CHECK(zmq_connect(socket, "inproc://b") == 0);
    CHECK(zmq_connect(socket, "nonsense") == -1);
    CHECK(zmq_setsockopt(socket, ZMQ_LINGER, &on, sizeof on) == 0);
    CHECK(zmq_setsockopt(socket, -1, &on, sizeof on) == -1);
    CHECK(zmq_getsockopt(socket, ZMQ_TYPE, &value, &size) == 0);
    CHECK(zmq_getsockopt(socket, -1, &value, &size) == -1);
    CHECK(zmq_ctx_set(context, ZMQ_IO_THREADS, 1) == 0);
    CHECK(zmq_ctx_set(context, -1, 1) == -1);
    CHECK(zmq_close(nullptr) == -1);
    CHECK(zmq_ctx_term(nullptr) == -1);
}

TEST_CASE("11.1.3: there are exceptions that return a count or a value", "[notes]") {
    Line line;
    // The number of ready items.
    zmq_pollitem_t items[] = {{line.near, 0, ZMQ_POLLOUT, 0}, {line.far, 0, ZMQ_POLLOUT, 0}};
    CHECK(zmq_poll(items, 2, -1) == 2);
    items[0].events = items[1].events = ZMQ_POLLIN;
    CHECK(zmq_poll(items, 2, 0) == 0);
    // A value.
    check(zmq_ctx_set(line.context, ZMQ_MAX_SOCKETS, 77));
    CHECK(zmq_ctx_get(line.context, ZMQ_MAX_SOCKETS) == 77);
    zmq_msg_t message;
    check(zmq_msg_init_size(&message, 5));
    CHECK(zmq_msg_size(&message) == 5);
    CHECK(zmq_msg_data(&message) != nullptr);
    Socket pull(line.context, ZMQ_PULL), push(line.context, ZMQ_PUSH);
    push.connect(pull.bind(any_port));
    send(push, {"a"});
    check(zmq_msg_recv(&message, pull, 0));
    CHECK(zmq_msg_gets(&message, "Socket-Type") == "PUSH"s);
    CHECK(zmq_msg_gets(&message, "Nonsense") == nullptr);
    check(zmq_msg_close(&message));
    send(line.near, {"a", "b"});
    for (const int more : {1, 0}) {
        check(zmq_msg_init(&message));
        check(zmq_msg_recv(&message, line.far, 0));
        CHECK(zmq_msg_more(&message) == more);
        CHECK(zmq_msg_get(&message, ZMQ_MORE) == more);
        check(zmq_msg_close(&message));
    }
    CHECK(zmq_has("ipc") == 1);
    CHECK(zmq_has("nonsense") == 0);
    void* counter = zmq_atomic_counter_new();
    zmq_atomic_counter_set(counter, 5);
    CHECK(zmq_atomic_counter_inc(counter) == 5);  // the old value
    CHECK(zmq_atomic_counter_value(counter) == 6);
    zmq_atomic_counter_destroy(&counter);
    CHECK(counter == nullptr);
}

TEST_CASE("11.1.4: errno and zmq_errno are the same and belong to the thread", "[notes]") {
    errno = ENOENT;
    CHECK(zmq_errno() == ENOENT);
    CHECK(zmq_close(nullptr) == -1);
    CHECK(errno == ENOTSOCK);
    CHECK(zmq_errno() == ENOTSOCK);
    int there = 0;
    std::thread other([&there] { there = error_of(zmq_ctx_term(nullptr)); });
    other.join();
    CHECK(there == EFAULT);
    CHECK(zmq_errno() == ENOTSOCK);
}

TEST_CASE("11.1.4: errno is valid only after a failure because success does not reset it",
          "[notes]") {
    Line line;
    CHECK(zmq_close(nullptr) == -1);
    CHECK(zmq_errno() == ENOTSOCK);
    CHECK(zmq_send(line.near, "a", 1, 0) == 1);
    CHECK(zmq_errno() != 0);
}

TEST_CASE("11.1.5: zmq_strerror also covers the error numbers of ZeroMQ", "[notes]") {
    CHECK(zmq_strerror(ETERM) == "Context was terminated"s);
    for (const int own : {EFSM, ETERM, ENOCOMPATPROTO, EMTHREAD}) {
        CHECK(own > ZMQ_HAUSNUMERO);
        CHECK(zmq_strerror(own) != std::string(std::strerror(own)));
    }
    for (const int shared : {EAGAIN, EADDRINUSE, EINTR})
        CHECK(zmq_strerror(shared) == std::string(std::strerror(shared)));
}

TEST_CASE("11.2.1: with ZMQ_DONTWAIT a receive fails with EAGAIN only if no message waits",
          "[notes]") {
    Line line;
    line.far.set(ZMQ_RCVTIMEO, -1);  // a call that waits would not return
    zmq_msg_t message;
    check(zmq_msg_init(&message));
    CHECK(error_of(zmq_msg_recv(&message, line.far, ZMQ_DONTWAIT)) == EAGAIN);
    send(line.near, {"hello"});
    CHECK(zmq_msg_recv(&message, line.far, ZMQ_DONTWAIT) == 5);
    CHECK(error_of(zmq_msg_recv(&message, line.far, ZMQ_DONTWAIT)) == EAGAIN);
    CHECK(zmq_msg_close(&message) == 0);
}

TEST_CASE("11.2.1: with ZMQ_DONTWAIT a send that would wait fails with EAGAIN", "[notes]") {
    const Context context;
    Socket alone(context, ZMQ_PUSH);
    alone.set(ZMQ_SNDTIMEO, -1).bind("inproc://alone");  // a call that waits would not return
    CHECK(error_of(zmq_send(alone, "a", 1, ZMQ_DONTWAIT)) == EAGAIN);
}

TEST_CASE("11.2.1: EAGAIN also means that ZMQ_RCVTIMEO or ZMQ_SNDTIMEO has passed", "[notes]") {
    const Context context;
    Socket alone(context, ZMQ_PUSH), empty(context, ZMQ_PULL);
    alone.set(ZMQ_SNDTIMEO, 50).bind("inproc://alone");
    empty.set(ZMQ_RCVTIMEO, 50).bind("inproc://empty");
    auto start = std::chrono::steady_clock::now();
    const auto has_passed = [&start] {
        const auto before = std::exchange(start, std::chrono::steady_clock::now());
        return start - before >= std::chrono::milliseconds(45);
    };
    CHECK(error_of(zmq_send(alone, "a", 1, 0)) == EAGAIN);
    CHECK(has_passed());
    CHECK(error_of(zmq_recv(empty, nullptr, 0, 0)) == EAGAIN);
    CHECK(has_passed());
    zmq_pollitem_t item{empty, 0, ZMQ_POLLIN, 0};
    CHECK(zmq_poll(&item, 1, 50) == 0);  // a timeout, too, but not an error
    CHECK(has_passed());
}

TEST_CASE("11.2.1: ZMQ_DONTWAIT does not hide real errors", "[notes]") {
    const Context context;
    Socket pub(context, ZMQ_PUB), rep(context, ZMQ_REP);
    CHECK(error_of(zmq_recv(pub, nullptr, 0, ZMQ_DONTWAIT)) == ENOTSUP);
    CHECK(error_of(zmq_send(rep, "a", 1, ZMQ_DONTWAIT)) == EFSM);
}

TEST_CASE(
    "11.2.2: zmq_ctx_term ends blocked calls with ETERM and waits until all sockets are closed",
    "[notes]") {
    void* const context = zmq_ctx_new();
    Blocked blocked(context);
    auto term = std::async(std::launch::async, [context] { return zmq_ctx_term(context); });
    blocked.all_end_with_eterm();
    // zmq_ctx_term returns only after the last socket is closed.
    check(zmq_close(blocked.sockets[0]));
    check(zmq_close(blocked.sockets[1]));
    CHECK(term.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
    check(zmq_close(blocked.sockets[2]));
    CHECK(term.get() == 0);
}

TEST_CASE("11.2.2: zmq_ctx_shutdown ends blocked calls and does not wait", "[notes]") {
    const Context context;
    Blocked blocked(context);
    CHECK(zmq_ctx_shutdown(context) == 0);  // the sockets are still open
    blocked.all_end_with_eterm();
    for (void* socket : blocked.sockets) check(zmq_close(socket));
}

TEST_CASE("11.2.3: a socket still works after EINTR and EFSM and EHOSTUNREACH", "[notes]") {
    const Context context;
    Socket router(context, ZMQ_ROUTER), req(context, ZMQ_REQ);
    router.set(ZMQ_ROUTER_MANDATORY, 1).bind("inproc://router");
    req.set(ZMQ_ROUTING_ID, "peer").connect("inproc://router");

    send(req, {"Hello"});
    CHECK(error_of(zmq_send(req, "again", 5, 0)) == EFSM);
    CHECK(receive(router) == Frames{"peer", "", "Hello"});
    CHECK(error_of(zmq_send(router, "gone", 4, ZMQ_SNDMORE)) == EHOSTUNREACH);
    send(router, {"peer", "", "World"});
    CHECK(receive(req) == Frames{"World"});

    struct sigaction handler {
    }, before;
    handler.sa_handler = [](int) {};
    check(sigaction(SIGUSR1, &handler, &before));
    std::atomic<bool> returned{false};
    int error = 0;
    std::thread blocked([&] {
        error = error_of(zmq_recv(router, nullptr, 0, 0));
        returned = true;
    });
    while (!returned) {
        pthread_kill(blocked.native_handle(), SIGUSR1);
        std::this_thread::yield();
    }
    blocked.join();
    check(sigaction(SIGUSR1, &before, nullptr));
    CHECK(error == EINTR);
    send(req, {"Hello"});
    CHECK(receive(router) == Frames{"peer", "", "Hello"});
}

}  // namespace notes
