// Section 6 of the notes: a clean exit.
#include <poll.h>

#include <future>
#include <memory>

#include "notes.hpp"

namespace notes {

namespace {

/// A message of 5 bytes that counts how often its content is released.
class Counted {
 public:
    Counted() { check(zmq_msg_init_data(&message, bytes_, sizeof bytes_, release, &released)); }
    ~Counted() { zmq_msg_close(&message); }
    zmq_msg_t message;
    int released = 0;

 private:
    static void release(void*, void* counter) { ++*static_cast<int*>(counter); }
    char bytes_[5] = {'h', 'e', 'l', 'l', 'o'};
};

struct Pair {
    Context context;
    Socket push{context, ZMQ_PUSH}, pull{context, ZMQ_PULL};
    Pair() {
        pull.bind("inproc://pair");
        push.connect("inproc://pair");
    }
};

}  // namespace

TEST_CASE("6.1: a message that was never sent must be closed", "[notes]") {
    Counted counted;
    CHECK(counted.released == 0);
    CHECK(zmq_msg_close(&counted.message) == 0);
    CHECK(counted.released == 1);
    CHECK(error_of(zmq_msg_close(&counted.message)) == EFAULT);  // it is closed already
}

TEST_CASE("6.1: a message whose send failed must be closed", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH);
    push.bind(any_port);
    Counted counted;
    CHECK(error_of(zmq_msg_send(&counted.message, push, ZMQ_DONTWAIT)) == EAGAIN);
    CHECK(zmq_msg_size(&counted.message) == 5);  // the caller still owns it
    CHECK(counted.released == 0);
    CHECK(zmq_msg_close(&counted.message) == 0);
    CHECK(counted.released == 1);
}

TEST_CASE("6.1: a message that was sent is empty and need not be closed", "[notes]") {
    Pair pair;
    Counted counted;
    CHECK(zmq_msg_send(&counted.message, pair.push, 0) == 5);
    CHECK(zmq_msg_size(&counted.message) == 0);
    CHECK(zmq_msg_close(&counted.message) == 0);  // harmless
    CHECK(counted.released == 0);                 // libzmq owns the content now
    CHECK(receive(pair.pull) == Frames{"hello"});
    CHECK(counted.released == 1);
}

TEST_CASE("6.1: a received message must be closed", "[notes]") {
    auto pair = std::make_unique<Pair>();
    Counted counted;
    CHECK(zmq_msg_send(&counted.message, pair->push, 0) == 5);
    zmq_msg_t received;
    CHECK(zmq_msg_init(&received) == 0);
    CHECK(zmq_msg_recv(&received, pair->pull, 0) == 5);
    pair.reset();
    CHECK(counted.released == 0);  // it outlives its socket and context
    CHECK(zmq_msg_close(&received) == 0);
    CHECK(counted.released == 1);
}

TEST_CASE("6.1: receiving into a message releases its old content", "[notes]") {
    Pair pair;
    Counted first, second;
    CHECK(zmq_msg_send(&first.message, pair.push, 0) == 5);
    CHECK(zmq_msg_send(&second.message, pair.push, 0) == 5);
    zmq_msg_t message;
    CHECK(zmq_msg_init(&message) == 0);
    CHECK(zmq_msg_recv(&message, pair.pull, 0) == 5);
    CHECK(first.released == 0);
    CHECK(zmq_msg_recv(&message, pair.pull, 0) == 5);  // no close between the two
    CHECK(first.released == 1);
    CHECK(second.released == 0);
    // The same happens if no message arrives.
    CHECK(error_of(zmq_msg_recv(&message, pair.pull, ZMQ_DONTWAIT)) == EAGAIN);
    CHECK(second.released == 1);
    CHECK(zmq_msg_size(&message) == 0);
    CHECK(zmq_msg_close(&message) == 0);
}

TEST_CASE("6.1: zmq_send copies so there is nothing to close", "[notes]") {
    Pair pair;
    const std::string hello(GENERATE(5u, 100'000u), 'h');  // small, and large
    const int size = static_cast<int>(hello.size());
    std::string sent = hello, received(hello.size(), ' ');
    CHECK(zmq_send(pair.push, sent.data(), sent.size(), 0) == size);
    sent.assign(sent.size(), 'x');
    CHECK(zmq_recv(pair.pull, received.data(), received.size(), 0) == size);
    CHECK(received == hello);
}

TEST_CASE("6.2: a context has a limited number of sockets", "[notes]") {
    void* context = zmq_ctx_new();
    CHECK(zmq_ctx_get(context, ZMQ_MAX_SOCKETS) == 1023);  // the default
    CHECK(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 2) == 0);
    void *one = zmq_socket(context, ZMQ_PULL), *two = zmq_socket(context, ZMQ_PULL);
    CHECK(one != nullptr);
    CHECK(two != nullptr);
    CHECK(zmq_socket(context, ZMQ_PULL) == nullptr);
    CHECK(zmq_errno() == EMFILE);

    CHECK(zmq_close(one) == 0);  // its place becomes free a little later
    void* three;
    do three = zmq_socket(context, ZMQ_PULL);
    while (three == nullptr && zmq_errno() == EMFILE);
    CHECK(three != nullptr);
    CHECK(zmq_socket(context, ZMQ_PULL) == nullptr);
    CHECK(zmq_close(two) == 0);
    CHECK(zmq_close(three) == 0);
    CHECK(zmq_ctx_term(context) == 0);
}

TEST_CASE("6.2: the place of a closed socket is not free at once", "[notes]") {
    const Folder folder;
    void* context = zmq_ctx_new();
    CHECK(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 1) == 0);
    void* push = zmq_socket(context, ZMQ_PUSH);
    CHECK(zmq_connect(push, folder.endpoint("late").c_str()) == 0);
    CHECK(zmq_send(push, "farewell", 8, 0) == 8);
    CHECK(zmq_close(push) == 0);  // it lingers until its message is received
    CHECK(zmq_socket(context, ZMQ_PULL) == nullptr);
    CHECK(zmq_errno() == EMFILE);

    Context other;
    Socket pull(other, ZMQ_PULL);
    pull.bind(folder.endpoint("late"));
    CHECK(receive(pull) == Frames{"farewell"});
    void* next;
    do next = zmq_socket(context, ZMQ_PULL);
    while (next == nullptr && zmq_errno() == EMFILE);
    CHECK(next != nullptr);
    CHECK(zmq_close(next) == 0);
    CHECK(zmq_ctx_term(context) == 0);
}

TEST_CASE("6.2: a context survives thousands of sockets one after the other", "[notes]") {
    Context context;
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 100);
    for (int opened = 0; opened < 3000; ++opened) {
        void* socket;
        do socket = zmq_socket(context, ZMQ_PULL);
        while (socket == nullptr && zmq_errno() == EMFILE);  // closed sockets still take places
        REQUIRE(socket != nullptr);
        REQUIRE(zmq_close(socket) == 0);
    }
}

TEST_CASE("6.3: zmq_ctx_term waits until every socket is closed", "[notes]") {
    void* const context = zmq_ctx_new();
    Socket pull(context, ZMQ_PULL);
    pull.bind(any_port);
    std::promise<void> may_close;
    // Only the thread uses the socket. It gets ETERM and closes when the promise allows it.
    auto receiver = std::async(std::launch::async, [&pull, told = may_close.get_future()] {
        char buffer[16];
        const int error = error_of(zmq_recv(pull, buffer, sizeof buffer, 0));
        told.wait();
        pull.close();
        return error;
    });
    auto term = std::async(std::launch::async, [context] { return zmq_ctx_term(context); });
    CHECK(term.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
    may_close.set_value();
    CHECK(receiver.get() == ETERM);
    CHECK(term.get() == 0);
}

TEST_CASE("6.3: zmq_ctx_term waits until all sent messages have left", "[notes]") {
    const Folder folder;
    void* context = zmq_ctx_new();
    void* push = zmq_socket(context, ZMQ_PUSH);
    int linger = 0;
    size_t size = sizeof linger;
    CHECK(zmq_getsockopt(push, ZMQ_LINGER, &linger, &size) == 0);
    CHECK(linger == -1);  // the default: forever
    CHECK(zmq_connect(push, folder.endpoint("late").c_str()) == 0);
    CHECK(zmq_send(push, "farewell", 8, 0) == 8);
    CHECK(zmq_close(push) == 0);  // returns at once, and libzmq keeps the message
    auto term = std::async(std::launch::async, [context] { return zmq_ctx_term(context); });
    CHECK(term.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);

    Context other;
    Socket pull(other, ZMQ_PULL);
    pull.bind(folder.endpoint("late"));
    CHECK(receive(pull) == Frames{"farewell"});
    CHECK(term.get() == 0);
}

TEST_CASE("6.3: with ZMQ_LINGER 0 or ZMQ_BLOCKY 0 zmq_ctx_term does not wait for messages",
          "[notes]") {
    const bool blocky = GENERATE(true, false);
    const Folder folder;
    void* context = zmq_ctx_new();
    CHECK(zmq_ctx_set(context, ZMQ_BLOCKY, blocky ? 1 : 0) == 0);
    void* push = zmq_socket(context, ZMQ_PUSH);
    int linger = 0;
    size_t size = sizeof linger;
    if (blocky) CHECK(zmq_setsockopt(push, ZMQ_LINGER, &linger, sizeof linger) == 0);
    linger = -1;
    CHECK(zmq_getsockopt(push, ZMQ_LINGER, &linger, &size) == 0);
    CHECK(linger == 0);
    CHECK(zmq_connect(push, folder.endpoint("unbound").c_str()) == 0);
    CHECK(zmq_send(push, "lost", 4, 0) == 4);
    CHECK(zmq_close(push) == 0);
    CHECK(zmq_ctx_term(context) == 0);  // with a linger of -1 it would block
}

TEST_CASE("6.3: a process that just ends loses its unsent messages", "[notes]") {
    const Folder folder;
    const std::string endpoint = folder.endpoint("late");
    const auto send_one = [&endpoint](const char* message, bool clean) {
        void* context = zmq_ctx_new();
        void* push = zmq_socket(context, ZMQ_PUSH);
        zmq_connect(push, endpoint.c_str());
        zmq_send(push, message, std::strlen(message), 0);
        if (!clean) return;
        zmq_close(push);
        zmq_ctx_term(context);
    };
    Child hasty([&send_one](const auto& report) {
        send_one("hasty", false);
        report("sent");
    });
    CHECK(hasty.read_all() == "sent");
    CHECK(hasty.wait() == 0);
    Child clean([&send_one](const auto&) { send_one("clean", true); });
    Context context;
    Socket pull(context, ZMQ_PULL);
    pull.bind(endpoint);
    CHECK(receive(pull) == Frames{"clean"});  // hasty sent first and has ended
    CHECK(clean.wait() == 0);
    CHECK(poll(pull, ZMQ_POLLIN, a_while) == 0);
}

TEST_CASE("6.3: zmq_ctx_term with an open socket in the same thread never returns", "[notes]") {
    Child child([](const auto& report) {
        void* context = zmq_ctx_new();
        if (zmq_socket(context, ZMQ_PULL) != nullptr) report("term...");
        zmq_ctx_term(context);
        report("done");
    });
    CHECK(child.read() == "term...");
    pollfd item{child.fd(), POLLIN, 0};
    CHECK(::poll(&item, 1, a_while) == 0);  // no report and no end
}

}  // namespace notes
