// Section 9 of the notes: multipart messages.
#include <atomic>
#include <future>
#include <type_traits>

#include "notes.hpp"
#include "wire.hpp"

namespace notes {

namespace {

/// For zmq_msg_init_data: counts the frames that libzmq has released.
void count_freed(void* /*data*/, void* counter) { ++*static_cast<std::atomic<int>*>(counter); }

/// Enough memory for libzmq to read a message as if it were a socket.
struct Room {
    zmq_msg_t message;
    char zeros[8192];
};

/// A PUSH and a PULL over inproc, connected.
struct Pipeline {
    Context context;
    Socket push{context, ZMQ_PUSH};
    Socket pull{context, ZMQ_PULL};
    Pipeline() {
        push.bind("inproc://pipeline");
        pull.connect("inproc://pipeline");
        REQUIRE(poll(push, ZMQ_POLLOUT) == ZMQ_POLLOUT);
    }
    void frame(const std::string& body) {
        check(zmq_send(push, body.data(), body.size(), ZMQ_SNDMORE));
    }
    void last_frame(const std::string& body) { check(zmq_send(push, body.data(), body.size(), 0)); }
};

}  // namespace

// 9.1, 9.2: the calls ----------------------------------------------------------------------------

TEST_CASE("9.1a: zmq_msg_send takes the message first and the socket second", "[notes]") {
    static_assert(std::is_same_v<decltype(&zmq_msg_send), int (*)(zmq_msg_t*, void*, int)>);
    static_assert(!std::is_invocable_v<decltype(&zmq_msg_send), void*, zmq_msg_t*, int>);
    // These take the socket first.
    static_assert(std::is_same_v<decltype(&zmq_send), int (*)(void*, const void*, size_t, int)>);
    static_assert(std::is_same_v<decltype(&zmq_sendmsg), int (*)(void*, zmq_msg_t*, int)>);
    Pipeline p;
    Room room{};
    zmq_msg_t* const message = &room.message;
    check(zmq_msg_init_size(message, 5));
    std::memcpy(zmq_msg_data(message), "Hello", 5);
    // The wrong order does not compile in C++. It compiles in C, and the call fails.
    void* const push = p.push;
    CHECK(error_of(zmq_msg_send(static_cast<zmq_msg_t*>(push), &room, 0)) == ENOTSOCK);
    CHECK(zmq_msg_size(message) == 5);
    CHECK(zmq_msg_send(message, push, 0) == 5);
    CHECK(receive(p.pull) == Frames{"Hello"});
}

TEST_CASE("9.1b: ZMQ_SNDMORE on every frame except the last makes one message", "[notes]") {
    Pipeline p;
    check(zmq_send(p.push, "a", 1, ZMQ_SNDMORE));
    check(zmq_send(p.push, "b", 1, ZMQ_SNDMORE));
    check(zmq_send(p.push, "c", 1, 0));
    check(zmq_send(p.push, "d", 1, 0));  // without it: another message
    CHECK(receive(p.pull) == Frames{"a", "b", "c"});
    CHECK(receive(p.pull) == Frames{"d"});
}

TEST_CASE("9.2a: zmq_msg_recv takes the message first and the socket second", "[notes]") {
    static_assert(std::is_same_v<decltype(&zmq_msg_recv), int (*)(zmq_msg_t*, void*, int)>);
    static_assert(!std::is_invocable_v<decltype(&zmq_msg_recv), void*, zmq_msg_t*, int>);
    Pipeline p;
    p.last_frame("Hello");
    Room room{};
    check(zmq_msg_init(&room.message));
    void* const pull = p.pull;
    CHECK(error_of(zmq_msg_recv(static_cast<zmq_msg_t*>(pull), &room, 0)) == ENOTSOCK);
    CHECK(zmq_msg_recv(&room.message, pull, 0) == 5);  // nothing was lost
    CHECK(zmq_msg_close(&room.message) == 0);
}

TEST_CASE("9.2b: a loop that ends when ZMQ_RCVMORE is 0 reads exactly one message", "[notes]") {
    Pipeline p;
    send(p.push, {"a", "", "c"});
    send(p.push, {"next"});
    Frames frames;
    while (true) {
        zmq_msg_t message;
        check(zmq_msg_init(&message));
        check(zmq_msg_recv(&message, p.pull, 0));
        frames.emplace_back(static_cast<char*>(zmq_msg_data(&message)), zmq_msg_size(&message));
        int more = -1;  // an int since libzmq 3, an int64_t in 2
        size_t more_size = sizeof more;
        check(zmq_getsockopt(p.pull, ZMQ_RCVMORE, &more, &more_size));
        CHECK(more_size == sizeof(int));        // zmq_getsockopt stores the real size
        CHECK(zmq_msg_more(&message) == more);  // a shorter way
        check(zmq_msg_close(&message));
        if (more == 0) break;
    }
    CHECK(frames == Frames{"a", "", "c"});
    CHECK(receive(p.pull) == Frames{"next"});
}

TEST_CASE("9.2b: ZMQ_RCVMORE describes the last received frame even after a failed receive",
          "[notes]") {
    Pipeline p;
    const auto fails = [&p](int flags) {
        char byte;
        return error_of(zmq_recv(p.pull, &byte, 1, flags));
    };
    send(p.push, {"a", "b"});
    char byte;
    check(zmq_recv(p.pull, &byte, 1, 0));
    // A failed receive, as with EINTR: a loop without error checks would count it as a frame.
    CHECK(error_of(zmq_msg_recv(nullptr, p.pull, 0)) == EFAULT);
    CHECK(p.pull.get(ZMQ_RCVMORE) == 1);
    check(zmq_recv(p.pull, &byte, 1, 0));
    CHECK(fails(ZMQ_DONTWAIT) == EAGAIN);
    CHECK(p.pull.get(ZMQ_RCVMORE) == 0);
    // After zmq_ctx_shutdown it fails too, and `more` keeps its old value.
    check(zmq_ctx_shutdown(p.context));
    CHECK(fails(0) == ETERM);
    int more = 42;
    size_t more_size = sizeof more;
    CHECK(error_of(zmq_getsockopt(p.pull, ZMQ_RCVMORE, &more, &more_size)) == ETERM);
    CHECK(more == 42);
}

// 9.3: details -----------------------------------------------------------------------------------

TEST_CASE("9.3.1: no frame goes onto the wire before the last frame is sent", "[notes]") {
    const Context context;
    Socket push(context, ZMQ_PUSH);
    Wire peer(push.bind(any_port), "PULL");
    check(zmq_send(push, "one", 3, ZMQ_SNDMORE));
    check(zmq_send(push, "two", 3, ZMQ_SNDMORE));
    CHECK(peer.fence().empty());
    check(zmq_send(push, "three", 5, 0));
    CHECK(peer.receive() == WireFrame{"one", true});
    CHECK(peer.receive() == WireFrame{"two", true});
    CHECK(peer.receive() == WireFrame{"three", false});
}

TEST_CASE("9.3.1: a later message of another sender overtakes a message without its last frame",
          "[notes]") {
    const Context context;
    Socket pull(context, ZMQ_PULL), slow(context, ZMQ_PUSH), quick(context, ZMQ_PUSH);
    pull.bind("inproc://pull");
    slow.connect("inproc://pull");
    quick.connect("inproc://pull");
    check(zmq_send(slow, "slow", 4, ZMQ_SNDMORE));
    send(quick, {"quick"});
    CHECK(receive(pull) == Frames{"quick"});
    CHECK(error_of(zmq_recv(pull, nullptr, 0, ZMQ_DONTWAIT)) == EAGAIN);
    check(zmq_send(slow, "end", 3, 0));
    CHECK(receive(pull) == Frames{"slow", "end"});
}

TEST_CASE("9.3.1: when the last send returns another thread may still have to write the frames",
          "[notes]") {
    struct Released {
        const std::thread::id sender = std::this_thread::get_id();
        std::atomic<int> frames{0}, by_sender{0};
    } released;
    const auto count = [](void*, void* counter) {
        auto* const seen = static_cast<Released*>(counter);
        if (std::this_thread::get_id() == seen->sender) ++seen->by_sender;
        ++seen->frames;
    };
    const int frames = 32;  // of 1 MB, more than the system buffers for a peer that reads nothing
    std::string body(1'000'000, 'x');
    {
        const Context context;
        Socket push(context, ZMQ_PUSH);
        push.set(ZMQ_SNDBUF, 65536).set(ZMQ_LINGER, -1);
        Wire peer(push.bind(any_port), "PULL");
        for (int i = 1; i <= frames; ++i) {
            zmq_msg_t frame;
            check(zmq_msg_init_data(&frame, body.data(), body.size(), count, &released));
            check(zmq_msg_send(&frame, push, i < frames ? ZMQ_SNDMORE : 0));
        }
        CHECK(released.frames < frames);
        push.close();
        CHECK(peer.rest().size() == frames * (body.size() + 9));  // each with a header of 9 bytes
    }
    CHECK(released.frames == frames);
    CHECK(released.by_sender == 0);
}

TEST_CASE("9.3.2: when zmq_poll reports a message all its frames have arrived", "[notes]") {
    const Context context;
    Socket pull(context, ZMQ_PULL);
    Wire peer(pull.bind(any_port), "PUSH");
    peer.send({"one", true});
    peer.send({"two", true});
    peer.fence();  // both have arrived
    CHECK(poll(pull, ZMQ_POLLIN, 0) == 0);
    CHECK(error_of(zmq_recv(pull, nullptr, 0, ZMQ_DONTWAIT)) == EAGAIN);
    peer.send({"three", false});
    CHECK(poll(pull, ZMQ_POLLIN) == ZMQ_POLLIN);
    char frame[8];
    CHECK(zmq_recv(pull, frame, sizeof frame, ZMQ_DONTWAIT) == 3);
    CHECK(poll(pull, ZMQ_POLLIN, 0) == ZMQ_POLLIN);  // more frames are left
    CHECK(zmq_recv(pull, frame, sizeof frame, ZMQ_DONTWAIT) == 3);
    CHECK(poll(pull, ZMQ_POLLIN, 0) == ZMQ_POLLIN);
    CHECK(zmq_recv(pull, frame, sizeof frame, ZMQ_DONTWAIT) == 5);
    CHECK(poll(pull, ZMQ_POLLIN, 0) == 0);
}

TEST_CASE("9.3.2: after the first frame no receive has to wait for the large frames that follow",
          "[notes]") {
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    pull.connect(push.bind(any_port));
    send(push, Frames(500, std::string(20'000, 'x')));
    REQUIRE(poll(pull, ZMQ_POLLIN) == ZMQ_POLLIN);
    std::string frame(20'000, ' ');
    int frames = 0;
    while (zmq_recv(pull, frame.data(), frame.size(), ZMQ_DONTWAIT) == 20'000) ++frames;
    CHECK(frames == 500);
}

TEST_CASE("9.3.3: if a sender dies in the middle of a message no frame of it is received",
          "[notes]") {
    const Context context;
    Socket pull(context, ZMQ_PULL);
    const std::string endpoint = pull.bind(any_port);
    Monitor monitor(context, pull);
    {
        Wire dies(endpoint, "PUSH");
        dies.send({"one", true});
        dies.send({"two", true});
        dies.fence();  // both have arrived
    }
    monitor.wait_for(ZMQ_EVENT_DISCONNECTED);
    Wire lives(endpoint, "PUSH");
    lives.send({"whole", true});
    lives.send({"message", false});
    CHECK(receive(pull) == Frames{"whole", "message"});
    CHECK(poll(pull, ZMQ_POLLIN, 0) == 0);
}

TEST_CASE("9.3.3: a high-water mark counts messages and never splits one", "[notes]") {
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.set(ZMQ_SNDHWM, 1).bind("inproc://pull");
    pull.set(ZMQ_RCVHWM, 1).connect("inproc://pull");
    REQUIRE(poll(push, ZMQ_POLLOUT) == ZMQ_POLLOUT);
    // Over inproc both marks add up.
    for (int message = 0; message < 2; ++message) {
        int accepted = 0;
        while (accepted < 999 && zmq_send(push, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 0) ++accepted;
        CHECK(accepted == 999);
        CHECK(zmq_send(push, "", 0, ZMQ_DONTWAIT) == 0);
    }
    CHECK(error_of(zmq_send(push, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT)) == EAGAIN);
    CHECK(receive(pull).size() == 1000);
    CHECK(receive(pull).size() == 1000);
}

TEST_CASE("9.3.3: a ROUTER drops a message to an unknown peer with all its frames", "[notes]") {
    const Context context;
    Socket router(context, ZMQ_ROUTER), dealer(context, ZMQ_DEALER);
    router.bind("inproc://router");
    dealer.set(ZMQ_ROUTING_ID, "known").connect("inproc://router");
    send(dealer, {"here I am"});
    receive(router);
    send(router, {"unknown", "a", "b", "c"});
    send(router, {"known", "d"});
    CHECK(receive(dealer) == Frames{"d"});
}

TEST_CASE("9.3.3: ZMQ_CONFLATE is the exception and keeps only the last frame", "[notes]") {
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.set(ZMQ_CONFLATE, 1).bind("inproc://conflate");
    pull.set(ZMQ_CONFLATE, 1).connect("inproc://conflate");
    send(push, {"a", "b", "c"});
    CHECK(receive(pull) == Frames{"c"});
    CHECK(poll(pull, ZMQ_POLLIN, 0) == 0);
}

TEST_CASE("9.3.4: each frame is a zmq_msg_t with its own size and MORE flag", "[notes]") {
    Pipeline p;
    for (const std::string body : {"", "b", "ccc"}) {
        zmq_msg_t frame;
        check(zmq_msg_init_size(&frame, body.size()));
        std::memcpy(zmq_msg_data(&frame), body.data(), body.size());
        check(zmq_msg_send(&frame, p.push, body == "ccc" ? 0 : ZMQ_SNDMORE));
    }
    zmq_msg_t frames[3];
    for (auto& frame : frames) {
        check(zmq_msg_init(&frame));
        check(zmq_msg_recv(&frame, p.pull, 0));
    }
    // All three exist side by side.
    CHECK(zmq_msg_size(&frames[0]) == 0);
    CHECK(zmq_msg_size(&frames[1]) == 1);
    CHECK(zmq_msg_size(&frames[2]) == 3);
    CHECK(zmq_msg_more(&frames[0]) == 1);
    CHECK(zmq_msg_more(&frames[1]) == 1);
    CHECK(zmq_msg_more(&frames[2]) == 0);
    for (auto& frame : frames) CHECK(zmq_msg_close(&frame) == 0);
}

TEST_CASE("9.3.4: zmq_send and zmq_recv also send and receive frames", "[notes]") {
    Pipeline p;
    zmq_msg_t frame;
    check(zmq_msg_init_size(&frame, 1));
    *static_cast<char*>(zmq_msg_data(&frame)) = 'a';
    check(zmq_msg_send(&frame, p.push, ZMQ_SNDMORE));
    check(zmq_send(p.push, "bb", 2, ZMQ_SNDMORE));
    check(zmq_msg_init_size(&frame, 3));
    std::memcpy(zmq_msg_data(&frame), "ccc", 3);
    check(zmq_msg_send(&frame, p.push, 0));
    char buffer[8];
    CHECK(zmq_recv(p.pull, buffer, sizeof buffer, 0) == 1);
    CHECK(buffer[0] == 'a');
    CHECK(p.pull.get(ZMQ_RCVMORE) == 1);
    check(zmq_msg_init(&frame));
    CHECK(zmq_msg_recv(&frame, p.pull, 0) == 2);
    CHECK(std::memcmp(zmq_msg_data(&frame), "bb", 2) == 0);
    CHECK(zmq_msg_more(&frame) == 1);
    CHECK(zmq_msg_close(&frame) == 0);
    CHECK(zmq_recv(p.pull, buffer, sizeof buffer, 0) == 3);
    CHECK(std::memcmp(buffer, "ccc", 3) == 0);
    CHECK(p.pull.get(ZMQ_RCVMORE) == 0);
}

TEST_CASE(
    "9.3.5: the next receive returns the next frame whether the program reads ZMQ_RCVMORE or not",
    "[notes]") {
    Pipeline p;
    const int on = 1;
    CHECK(error_of(zmq_setsockopt(p.pull, ZMQ_RCVMORE, &on, sizeof on)) == EINVAL);  // read only
    send(p.push, {"a", "bb", "ccc"});
    send(p.push, {"dddd"});
    const bool reads_each = GENERATE(true, false);
    char frame[8];
    for (const int size : {1, 2, 3, 4}) {
        CHECK(zmq_recv(p.pull, frame, sizeof frame, 0) == size);
        // Else read it only at the second frame, to see that the message has more.
        if (reads_each || size == 2) CHECK(p.pull.get(ZMQ_RCVMORE) == (size < 3 ? 1 : 0));
    }
}

TEST_CASE("9.3.6: libzmq keeps the frames in memory until the last one and then sends them all",
          "[notes]") {
    Pipeline p;
    std::atomic<int> freed{0};
    char body[] = "frame";
    const auto send_part = [&](int flags) {
        zmq_msg_t frame;
        check(zmq_msg_init_data(&frame, body, sizeof body, count_freed, &freed));
        check(zmq_msg_send(&frame, p.push, flags));
    };
    for (int i = 0; i < 3; ++i) send_part(ZMQ_SNDMORE);
    CHECK(freed == 0);
    CHECK(poll(p.pull, ZMQ_POLLIN, 0) == 0);
    send_part(0);
    CHECK(receive(p.pull).size() == 4);
    CHECK(freed == 4);
}

TEST_CASE("9.3.7: closing the socket cancels a message without its last frame", "[notes]") {
    const Context context;
    Socket push(context, ZMQ_PUSH);
    push.set(
        ZMQ_LINGER,
        GENERATE(-1, 0, deadline_ms));  // with -1, libzmq would wait forever for a whole message
    Wire peer(push.bind(any_port), "PULL");
    check(zmq_send(push, "one", 3, ZMQ_SNDMORE));
    check(zmq_send(push, "two", 3, ZMQ_SNDMORE));
    CHECK(peer.fence().empty());
    push.close();
    CHECK(peer.rest().empty());
}

TEST_CASE("9.3.7: zmq_ctx_term does not wait for a message without its last frame", "[notes]") {
    const Folder folder;
    void* const context = zmq_ctx_new();
    void* const push = zmq_socket(context, ZMQ_PUSH);  // its linger is infinite
    check(zmq_connect(push, folder.endpoint("unbound").c_str()));
    check(zmq_send(push, "one", 3, ZMQ_SNDMORE));
    check(zmq_close(push));
    auto term = std::async(std::launch::async, [context] { return zmq_ctx_term(context); });
    REQUIRE(term.wait_for(deadline) == std::future_status::ready);
    CHECK(term.get() == 0);
}

TEST_CASE("9.3.7: zmq_disconnect cancels it too and the socket still works", "[notes]") {
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    const std::string endpoint = pull.bind(any_port);
    push.connect(endpoint);
    check(zmq_send(push, "one", 3, ZMQ_SNDMORE));
    check(zmq_disconnect(push, endpoint.c_str()));
    CHECK(zmq_send(push, "two", 3, 0) == 3);  // succeeds
    push.connect(endpoint);
    send(push, {"next"});
    CHECK(receive(pull) == Frames{"next"});
}

TEST_CASE("9.3.7: if the peer leaves its frames are lost and libzmq silently drops the rest",
          "[notes]") {
    const Context context;
    Socket push(context, ZMQ_PUSH);
    const std::string endpoint = push.bind(any_port);
    Monitor monitor(context, push);
    {
        const Wire leaves(endpoint, "PULL");
        check(zmq_send(push, "one", 3, ZMQ_SNDMORE));
    }
    monitor.wait_for(ZMQ_EVENT_DISCONNECTED);
    CHECK(zmq_send(push, "two", 3, ZMQ_SNDMORE) == 3);
    CHECK(zmq_send(push, "three", 5, 0) == 5);
    Wire stays(endpoint, "PULL");
    std::vector<WireFrame> arrived;
    while (arrived.empty()) {
        send(push, {"next"});  // the first ones may still go to the old peer
        arrived = stays.fence();
    }
    CHECK(arrived.front() == WireFrame{"next", false});
}

TEST_CASE("9.3.7: zmq_ctx_shutdown cancels it too", "[notes]") {
    const Context context;
    Socket push(context, ZMQ_PUSH);
    Wire peer(push.bind(any_port), "PULL");
    check(zmq_send(push, "one", 3, ZMQ_SNDMORE));
    check(zmq_ctx_shutdown(context));
    // zmq_getsockopt notices at once; zmq_send alone may not.
    zmq_pollitem_t item{push, 0, ZMQ_POLLOUT, 0};
    CHECK(error_of(zmq_poll(&item, 1, 0)) == ETERM);
    CHECK(error_of(zmq_send(push, "two", 3, 0)) == ETERM);
    push.close();
    CHECK(peer.rest().empty());
}

}  // namespace notes
