// Section 8 of the notes: several sockets at once.
#include <cstddef>
#include <future>
#include <thread>
#include <type_traits>

#include "notes.hpp"

namespace notes {

namespace {

/// Two PULL sockets, and a PUSH connected to each.
struct Two {
    Context context;
    Socket pull_a{context, ZMQ_PULL}, pull_b{context, ZMQ_PULL};
    Socket push_a{context, ZMQ_PUSH}, push_b{context, ZMQ_PUSH};
    Two() {
        pull_a.bind("inproc://a");
        pull_b.bind("inproc://b");
        push_a.connect("inproc://a");
        push_b.connect("inproc://b");
    }
};

struct Pipe {
    int ends[2];
    Pipe() { check(pipe(ends)); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_read_end();
        close(ends[1]);
    }
    void close_read_end() {
        if (ends[0] != -1) close(ends[0]);
        ends[0] = -1;
    }
};

}  // namespace

TEST_CASE("8.1.1: the simple loop waits for one socket in recv", "[notes]") {
    Two two;
    send(two.push_b, {"on b"});
    // b has a message, but a loop that waits for a does not see it.
    auto loop = std::async(std::launch::async, [&two] { return receive(two.pull_a); });
    CHECK(loop.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
    CHECK(poll(two.pull_b, ZMQ_POLLIN, 0) == ZMQ_POLLIN);
    send(two.push_a, {"on a"});
    CHECK(loop.get() == Frames{"on a"});
}

TEST_CASE("8.1.2: the simple loop processes each message that it receives", "[notes]") {
    Two two;
    for (const auto* message : {"1", "2", "3"}) send(two.push_a, {message});
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
        char digit;
        CHECK(zmq_recv(two.pull_a, &digit, 1, 0) == 1);
        sum += digit - '0';
    }
    CHECK(sum == 6);
}

TEST_CASE("8.1.3: a simple loop over two sockets blocks on the one without a message", "[notes]") {
    Two two;
    send(two.push_a, {"a1"});
    send(two.push_a, {"a2"});
    two.pull_b.set(ZMQ_RCVTIMEO, 50);
    const auto start = std::chrono::steady_clock::now();
    std::string order;
    for (const Socket* socket : {&two.pull_a, &two.pull_b, &two.pull_a}) {
        char buffer[2];
        if (error_of(zmq_recv(*socket, buffer, sizeof buffer, 0)) == EAGAIN)
            order += "(waits for b)";  // forever, without the timeout
        else
            order.append(buffer, 2);
    }
    CHECK(order == "a1(waits for b)a2");
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(45));
}

TEST_CASE("8.2.1: zmq_poll waits for several sockets at once", "[notes]") {
    Two two;
    zmq_pollitem_t items[] = {{two.pull_a, 0, ZMQ_POLLIN, 0}, {two.pull_b, 0, ZMQ_POLLIN, 0}};
    for (const bool on_b : {false, true}) {
        auto ready = std::async(std::launch::async, [&items] { return zmq_poll(items, 2, -1); });
        CHECK(ready.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
        send(on_b ? two.push_b : two.push_a, {"message"});
        CHECK(ready.get() == 1);
        CHECK(items[0].revents == (on_b ? 0 : ZMQ_POLLIN));
        CHECK(items[1].revents == (on_b ? ZMQ_POLLIN : 0));
        receive(on_b ? two.pull_b : two.pull_a);
    }
}

TEST_CASE("8.2.2: zmq_poll returns how many are ready and marks them in revents", "[notes]") {
    Two two;
    zmq_pollitem_t items[] = {{two.pull_a, 0, ZMQ_POLLIN, 0}, {two.pull_b, 0, ZMQ_POLLIN, 0}};
    CHECK(zmq_poll(items, 2, 0) == 0);  // none; that is not an error
    CHECK(items[0].revents == 0);
    CHECK(items[1].revents == 0);
    send(two.push_a, {"on a"});
    CHECK(zmq_poll(items, 2, -1) == 1);
    CHECK(items[0].revents == ZMQ_POLLIN);
    CHECK(items[1].revents == 0);
    send(two.push_b, {"on b"});
    CHECK(zmq_poll(items, 2, -1) == 2);
    CHECK(items[0].revents == ZMQ_POLLIN);
    CHECK(items[1].revents == ZMQ_POLLIN);
}

TEST_CASE("8.2.2: zmq_poll reports a message until it has been received", "[notes]") {
    Two two;
    send(two.push_a, {"on a"});
    zmq_pollitem_t item{two.pull_a, 0, ZMQ_POLLIN, 0};
    for (int i = 0; i < 3; ++i) CHECK(zmq_poll(&item, 1, 0) == 1);
    receive(two.pull_a);
    CHECK(zmq_poll(&item, 1, 0) == 0);
    CHECK(item.revents == 0);
}

TEST_CASE("8.2.2: the timeout is in ms and zmq_poll returns 0 after it and -1 means forever",
          "[notes]") {
    Two two;
    zmq_pollitem_t item{two.pull_a, 0, ZMQ_POLLIN, 0};
    const auto start = std::chrono::steady_clock::now();
    CHECK(zmq_poll(&item, 1, 50) == 0);
    const auto waited = std::chrono::steady_clock::now() - start;
    CHECK(waited >= std::chrono::milliseconds(45));
    CHECK(waited < std::chrono::seconds(deadline));  // not 50 s

    auto for_ever = std::async(std::launch::async, [&item] { return zmq_poll(&item, 1, -1); });
    CHECK(for_ever.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
    send(two.push_a, {"on a"});
    CHECK(for_ever.get() == 1);
}

TEST_CASE("8.2.3: the program itself receives from each socket that is ready", "[notes]") {
    Two two;
    for (int i = 0; i < 3; ++i) send(two.push_a, {"A"});
    for (int i = 0; i < 3; ++i) send(two.push_b, {"B"});
    std::string order;
    zmq_pollitem_t items[] = {{two.pull_a, 0, ZMQ_POLLIN, 0}, {two.pull_b, 0, ZMQ_POLLIN, 0}};
    while (zmq_poll(items, 2, 0) > 0)
        for (const zmq_pollitem_t& item : items)
            if ((item.revents & ZMQ_POLLIN) != 0) order += receive(item.socket).at(0);
    CHECK(order == "ABABAB");  // one message per ready socket is fair to both
}

TEST_CASE("8.3: zmq_pollitem_t has a socket or a descriptor and two sets of events", "[notes]") {
    STATIC_REQUIRE(std::is_same_v<decltype(zmq_pollitem_t::socket), void*>);
    STATIC_REQUIRE(std::is_same_v<decltype(zmq_pollitem_t::fd), zmq_fd_t>);
    STATIC_REQUIRE(std::is_same_v<decltype(zmq_pollitem_t::events), short>);
    STATIC_REQUIRE(std::is_same_v<decltype(zmq_pollitem_t::revents), short>);
    STATIC_REQUIRE(offsetof(zmq_pollitem_t, socket) < offsetof(zmq_pollitem_t, fd));
    STATIC_REQUIRE(offsetof(zmq_pollitem_t, fd) < offsetof(zmq_pollitem_t, events));
    STATIC_REQUIRE(offsetof(zmq_pollitem_t, events) < offsetof(zmq_pollitem_t, revents));
#ifndef _WIN32
    STATIC_REQUIRE(std::is_same_v<zmq_fd_t, int>);  // on Windows, a SOCKET
#endif
}

TEST_CASE("8.3: without a socket zmq_poll polls the descriptor", "[notes]") {
    const Pipe pipe;
    zmq_pollitem_t item{nullptr, pipe.ends[0], ZMQ_POLLIN, 0};
    CHECK(zmq_poll(&item, 1, 0) == 0);
    REQUIRE(write(pipe.ends[1], "x", 1) == 1);
    CHECK(zmq_poll(&item, 1, deadline_ms) == 1);
    CHECK(item.revents == ZMQ_POLLIN);
}

TEST_CASE("8.3: with a socket zmq_poll ignores the descriptor", "[notes]") {
    Two two;
    const Pipe pipe;
    REQUIRE(write(pipe.ends[1], "x", 1) == 1);
    zmq_pollitem_t item{two.pull_a, pipe.ends[0], ZMQ_POLLIN, 0};
    CHECK(zmq_poll(&item, 1, 0) == 0);  // the pipe is readable, the socket is not
    send(two.push_a, {"on a"});
    CHECK(zmq_poll(&item, 1, 0) == 1);
}

TEST_CASE("8.3: zmq_poll reports only requested events and overwrites revents", "[notes]") {
    Context context;
    Socket a(context, ZMQ_PAIR), b(context, ZMQ_PAIR);
    a.bind("inproc://pair");
    b.connect("inproc://pair");
    send(b, {"message"});
    CHECK(poll(a, ZMQ_POLLIN | ZMQ_POLLOUT) == (ZMQ_POLLIN | ZMQ_POLLOUT));
    CHECK(poll(a, ZMQ_POLLIN) == ZMQ_POLLIN);
    CHECK(poll(a, ZMQ_POLLOUT) == ZMQ_POLLOUT);
    zmq_pollitem_t item{a, 0, 0, ZMQ_POLLERR};  // the old revents is overwritten
    CHECK(zmq_poll(&item, 1, 0) == 0);
    CHECK(item.revents == 0);
}

TEST_CASE("8.3: POLLERR is for descriptors only", "[notes]") {
    Pipe pipe;
    pipe.close_read_end();  // the other end has no reader now
    zmq_pollitem_t item{nullptr, pipe.ends[1], ZMQ_POLLERR, 0};
    CHECK(zmq_poll(&item, 1, deadline_ms) == 1);
    CHECK(item.revents == ZMQ_POLLERR);

    Two two;
    send(two.push_a, {"on a"});
    CHECK(poll(two.pull_a, ZMQ_POLLERR, 0) == 0);
}

TEST_CASE("8.3: zmq_poll fails for an item that it cannot poll", "[notes]") {
    Two two;
    zmq_pollitem_t item{two.pull_a, 0, ZMQ_POLLIN, 0};
    CHECK(error_of(zmq_poll(nullptr, 1, 0)) == EFAULT);
    CHECK(zmq_poll(nullptr, 0, 0) == 0);  // no items is not an error
    CHECK(error_of(zmq_poll(&item, -1, 0)) == EINVAL);
    long no_socket[64] = {};  // not a socket
    item.socket = no_socket;
    CHECK(error_of(zmq_poll(&item, 1, 0)) == ENOTSOCK);
}

TEST_CASE("8.4: a worker polls tasks and control and ends on KILL in any order of arrival",
          "[notes]") {
    // Messages before KILL: a digit is a task, c is another control message.
    const std::string order = GENERATE("123c4", "", "c", "1", "c1cc2");
    Context context;
    Socket tasks(context, ZMQ_PUSH), sink(context, ZMQ_PULL), control(context, ZMQ_XPUB);
    const std::string tasks_at = tasks.bind(any_port), sink_at = sink.bind(any_port),
                      control_at = control.bind(any_port);
    std::thread worker([&] {
        Socket pull(context, ZMQ_PULL), push(context, ZMQ_PUSH), sub(context, ZMQ_SUB);
        push.connect(sink_at);
        sub.set(ZMQ_SUBSCRIBE, "").connect(control_at);
        pull.connect(tasks_at);
        zmq_pollitem_t items[] = {{pull, 0, ZMQ_POLLIN, 0}, {sub, 0, ZMQ_POLLIN, 0}};
        bool stopped = false;
        while (!stopped) {
            zmq_poll(items, 2, -1);
            if ((items[0].revents & ZMQ_POLLIN) != 0) send(push, {receive(pull).at(0) + " done"});
            if ((items[1].revents & ZMQ_POLLIN) != 0) stopped = receive(sub) == Frames{"KILL"};
        }
        send(push, {"stopped"});
    });
    CHECK(receive(control) == Frames{"\1"});  // the worker will receive KILL
    for (const char message : order) {
        if (message == 'c') {
            send(control, {"continue"});
        } else {
            send(tasks, {std::string(1, message)});
            CHECK(receive(sink) == Frames{message + " done"s});
        }
    }
    send(control, {"KILL"});
    CHECK(receive(sink) == Frames{"stopped"});
    worker.join();
}

}  // namespace notes
