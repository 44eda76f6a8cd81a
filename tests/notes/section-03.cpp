// Section 3 of the notes: PUB-SUB.
#include <deque>

#include "notes.hpp"

namespace notes {

namespace {

/// Lets a bound publisher process the subscriptions that have arrived. It shares its thread and
/// context with the subscribers, and zmq_send alone checks for them only now and then.
void process_subscriptions(Socket& publisher) { publisher.get(ZMQ_EVENTS); }

/// The result of a subscription with the first `size` of `bytes`.
struct Received {
    std::string subscription;  // received by the XPUB
    Frames messages;           // received by the SUB
};
Received subscribe(const void* bytes, size_t size, const Frames& published) {
    Context context;
    Socket xpub(context, ZMQ_XPUB), sub(context, ZMQ_SUB);
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, bytes, size) == 0);
    sub.connect(xpub.bind(any_port));
    Received received;
    received.subscription = receive(xpub).at(0);
    // Each SUB also subscribes to the fence, the last message.
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "fence", 5) == 0);
    if (size > 0) CHECK(receive(xpub) == Frames{"\1fence"});
    for (const auto& message : published) send(xpub, {message});
    send(xpub, {"fence"});
    for (std::string message; (message = receive(sub).at(0)) != "fence";)
        received.messages.push_back(message);
    return received;
}

}  // namespace

TEST_CASE("3.1: a PUB sends each message to every SUB", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB);
    pub.bind("inproc://news");
    std::deque<Socket> subs;
    for (int i = 0; i < 4; ++i) {
        subs.emplace_back(context, ZMQ_SUB).set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    }
    process_subscriptions(pub);
    CHECK(zmq_send(pub, "news", 4, 0) == 4);  // sent once
    for (auto& sub : subs) CHECK(receive(sub) == Frames{"news"});
}

TEST_CASE("3.2: the roles are fixed but a SUB may bind and a publisher may connect", "[notes]") {
    Context context;
    Socket sub(context, ZMQ_SUB), xpub(context, ZMQ_XPUB);
    const std::string endpoint = sub.bind(any_port);
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "A", 1) == 0);
    CHECK(zmq_connect(xpub, endpoint.c_str()) == 0);
    // A bound SUB sends its subscription only in a call of its own thread, so poll both.
    zmq_pollitem_t items[] = {{xpub, 0, ZMQ_POLLIN, 0}, {sub, 0, ZMQ_POLLIN, 0}};
    CHECK(zmq_poll(items, 2, deadline_ms) == 1);
    CHECK(items[0].revents == ZMQ_POLLIN);
    CHECK(receive(xpub) == Frames{"\1A"});  // subscriptions go up
    send(xpub, {"A1"});                     // and data goes down
    CHECK(receive(sub) == Frames{"A1"});
}

TEST_CASE("3.2: one SUB may have several publishers", "[notes]") {
    Context context;
    Socket one(context, ZMQ_XPUB), two(context, ZMQ_XPUB), sub(context, ZMQ_SUB);
    sub.set(ZMQ_SUBSCRIBE, "").connect(one.bind(any_port)).connect(two.bind(any_port));
    receive(one);  // its subscription
    receive(two);
    send(one, {"from one"});
    CHECK(receive(sub) == Frames{"from one"});
    send(two, {"from two"});
    CHECK(receive(sub) == Frames{"from two"});
}

TEST_CASE("3.3: a PUB cannot receive", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://news");
    sub.set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    char buffer[16];
    CHECK(error_of(zmq_recv(pub, buffer, sizeof buffer, 0)) == ENOTSUP);
    CHECK(error_of(zmq_recv(pub, buffer, sizeof buffer, ZMQ_DONTWAIT)) == ENOTSUP);
    // The subscription has arrived and works, but the PUB has nothing to read.
    CHECK(poll(pub, ZMQ_POLLIN | ZMQ_POLLOUT) == ZMQ_POLLOUT);
    CHECK(zmq_send(pub, "news", 4, 0) == 4);
    CHECK(receive(sub) == Frames{"news"});
}

TEST_CASE("3.3: an XPUB receives the subscriptions", "[notes]") {
    Context context;
    Socket xpub(context, ZMQ_XPUB), sub(context, ZMQ_SUB);
    sub.set(ZMQ_SUBSCRIBE, "A").connect(xpub.bind(any_port));
    CHECK(receive(xpub) == Frames{"\1A"});
    CHECK(zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "A", 1) == 0);
    CHECK(receive(xpub) == Frames{"\0A"s});
}

TEST_CASE("3.3: a PUB without a peer drops messages at once", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.set(ZMQ_SNDHWM, 1).bind("inproc://news");
    for (int i = 0; i < 1000; ++i) REQUIRE(zmq_send(pub, "lost", 4, 0) == 4);
    CHECK(poll(pub, ZMQ_POLLOUT, 0) == ZMQ_POLLOUT);
    sub.set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    process_subscriptions(pub);
    CHECK(zmq_send(pub, "received", 8, 0) == 8);
    CHECK(receive(sub) == Frames{"received"});
}

TEST_CASE("3.4: a SUB cannot send", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://news");
    sub.set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    CHECK(error_of(zmq_send(sub, "x", 1, 0)) == ENOTSUP);
    CHECK(error_of(zmq_send(sub, "x", 1, ZMQ_DONTWAIT)) == ENOTSUP);
    process_subscriptions(pub);
    send(pub, {"news"});
    CHECK(poll(sub, ZMQ_POLLIN | ZMQ_POLLOUT) == ZMQ_POLLIN);
}

TEST_CASE("3.4: an XSUB can send", "[notes]") {
    Context context;
    Socket xpub(context, ZMQ_XPUB), xsub(context, ZMQ_XSUB);
    xsub.connect(xpub.bind(any_port));
    CHECK(zmq_send(xsub, "\1A", 2, 0) == 2);  // this is how an XSUB subscribes
    CHECK(receive(xpub) == Frames{"\1A"});
    send(xpub, {"A1"});
    CHECK(receive(xsub) == Frames{"A1"});
}

TEST_CASE("3.5a: the publisher filters", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), xsub(context, ZMQ_XSUB);  // an XSUB does not filter
    pub.bind("inproc://news");
    xsub.connect("inproc://news");
    CHECK(zmq_send(xsub, "\1A", 2, 0) == 2);
    process_subscriptions(pub);
    send(pub, {"B0"});
    send(pub, {"A0"});
    CHECK(receive(xsub) == Frames{"A0"});  // B0 was never sent to it
}

TEST_CASE("3.5a: a SUB filters once more", "[notes]") {
    Context context;
    Socket xpub(context, ZMQ_XPUB), sub(context, ZMQ_SUB), xsub(context, ZMQ_XSUB);
    xpub.set(ZMQ_XPUB_MANUAL, 1);  // the application handles subscriptions
    const std::string endpoint = xpub.bind(any_port);
    for (Socket* subscriber : {&sub, &xsub}) {
        if (subscriber == &sub)
            sub.set(ZMQ_SUBSCRIBE, "A").connect(endpoint);
        else
            send(xsub.connect(endpoint), {"\1A"});
        CHECK(receive(xpub) == Frames{"\1A"});
        CHECK(zmq_setsockopt(xpub, ZMQ_SUBSCRIBE, "", 0) ==
              0);  // sends everything to this subscriber
    }
    send(xpub, {"B0"});
    send(xpub, {"A0"});
    CHECK(receive(xsub) == Frames{"B0"});
    CHECK(receive(xsub) == Frames{"A0"});
    CHECK(receive(sub) == Frames{"A0"});
}

TEST_CASE("3.5a: messages published before the subscription arrives are lost", "[notes]") {
    Context context;
    Socket xpub(context, ZMQ_XPUB), sub(context, ZMQ_SUB);
    Monitor monitor(context, xpub, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    sub.connect(xpub.bind(any_port));
    monitor.next();  // connected, but not subscribed yet
    process_subscriptions(xpub);
    send(xpub, {"early"});
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0) == 0);
    CHECK(receive(xpub) == Frames{"\1"});
    send(xpub, {"in time"});
    CHECK(receive(sub) == Frames{"in time"});
}

TEST_CASE("3.5a: above the high-water mark a slow SUB loses messages", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), slow(context, ZMQ_SUB), roomy(context, ZMQ_SUB);
    pub.set(ZMQ_SNDHWM, 3).bind("inproc://news");
    slow.set(ZMQ_RCVHWM, 3).set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    roomy.set(ZMQ_RCVHWM, 100).set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    process_subscriptions(pub);
    for (char i = 'a'; i < 'a' + 20; ++i) CHECK(zmq_send(pub, &i, 1, ZMQ_DONTWAIT) == 1);

    // Over inproc the two marks add up, so the first six have arrived. No send has failed.
    std::string got, all;
    while (poll(slow, ZMQ_POLLIN, 0) != 0) got += receive(slow).at(0);
    CHECK(got == "abcdef");
    while (poll(roomy, ZMQ_POLLIN, 0) != 0) all += receive(roomy).at(0);
    CHECK(all == "abcdefghijklmnopqrst");  // only the slow one has lost messages
}

TEST_CASE("3.5b: a SUB that has not subscribed gets nothing", "[notes]") {
    Context context;
    Socket xpub(context, ZMQ_XPUB), sub(context, ZMQ_SUB), fence(context, ZMQ_SUB);
    Monitor monitor(context, xpub, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    const std::string endpoint = xpub.bind(any_port);
    sub.connect(endpoint);
    monitor.next();
    fence.set(ZMQ_SUBSCRIBE, "").connect(endpoint);
    receive(xpub);
    send(xpub, {"news"});
    CHECK(receive(fence) == Frames{"news"});
    CHECK(poll(sub, ZMQ_POLLIN, a_while) == 0);
}

TEST_CASE("3.5b: a SUB has any number of prefixes and the empty one matches all", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), few(context, ZMQ_SUB), all(context, ZMQ_SUB);
    pub.bind("inproc://news");
    few.set(ZMQ_SUBSCRIBE, "A").set(ZMQ_SUBSCRIBE, "B").connect("inproc://news");
    all.set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    process_subscriptions(pub);
    for (const auto* message : {"A1", "C1", "B1", "", "A2"}) send(pub, {message});
    for (const auto* message : {"A1", "B1", "A2"}) CHECK(receive(few) == Frames{message});
    for (const auto* message : {"A1", "C1", "B1", "", "A2"}) CHECK(receive(all) == Frames{message});
}

TEST_CASE("3.5b: a message that matches two prefixes arrives once", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://news");
    sub.set(ZMQ_SUBSCRIBE, "A").set(ZMQ_SUBSCRIBE, "AB").connect("inproc://news");
    process_subscriptions(pub);
    send(pub, {"ABC"});
    send(pub, {"A last"});
    CHECK(receive(sub) == Frames{"ABC"});
    CHECK(receive(sub) == Frames{"A last"});
}

TEST_CASE("3.5b: only the first frame is compared", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://news");
    sub.set(ZMQ_SUBSCRIBE, "key").connect("inproc://news");
    process_subscriptions(pub);
    send(pub, {"other", "key"});
    send(pub, {"my key"});
    send(pub, {"keyed", "other"});
    CHECK(receive(sub) == Frames{"keyed", "other"});
}

TEST_CASE("3.5b: two equal subscriptions need two unsubscriptions", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://news");
    sub.set(ZMQ_SUBSCRIBE, "fence").connect("inproc://news");
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "A", 1) == 0);
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "A", 1) == 0);
    CHECK(zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "A", 1) == 0);
    process_subscriptions(pub);
    send(pub, {"A1"});
    CHECK(receive(sub) == Frames{"A1"});  // still subscribed once

    CHECK(zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "A", 1) == 0);
    process_subscriptions(pub);
    send(pub, {"A2"});
    send(pub, {"fence"});
    CHECK(receive(sub) == Frames{"fence"});
}

TEST_CASE("3.6: a subscription is a prefix and all of its bytes count", "[notes]") {
    const Frames published{"s", "sub", "sub1", "sub1x", "sub2", "t"};
    const Received whole = subscribe("sub1", 4, published);
    CHECK(whole.subscription == "\1sub1");
    CHECK(whole.messages == Frames{"sub1", "sub1x"});  // not sub2, which has the same first byte

    // The misconception has a cause: sub1 and sub2 share their first byte, and their first three.
    const Received three = subscribe("sub1", 3, published);
    CHECK(three.subscription == "\1sub");
    CHECK(three.messages == Frames{"sub", "sub1", "sub1x", "sub2"});
    const Received one = subscribe("sub1", 1, published);
    CHECK(one.subscription == "\1s");
    CHECK(one.messages == Frames{"s", "sub", "sub1", "sub1x", "sub2"});
}

TEST_CASE("3.7: optvallen alone sets the length of the prefix", "[notes]") {
    const Frames published{"sub", "sub1", "sub1x", "sub1\0"s, "\0a"s, "\0b"s, "\0bx"s};
    CHECK(subscribe("sub1", 0, published).messages == published);  // no byte: everything
    const Received null = subscribe(nullptr, 0, published);
    CHECK(null.subscription == "\1");
    CHECK(null.messages == published);

    // sizeof counts the NUL at the end, which is then part of the prefix.
    const Received with_nul = subscribe("sub1", sizeof "sub1", published);
    CHECK(with_nul.subscription == "\1sub1\0"s);
    CHECK(with_nul.messages == Frames{"sub1\0"s});

    // A NUL is a byte like any other.
    const Received embedded = subscribe("\0b", 2, published);
    CHECK(embedded.subscription == "\1\0b"s);
    CHECK(embedded.messages == Frames{"\0b"s, "\0bx"s});
}

TEST_CASE("3.7: a null pointer with a length ends the process", "[notes]") {
    Child child([](const auto& report) {
        void* context = zmq_ctx_new();
        void* sub = zmq_socket(context, ZMQ_SUB);
        report(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, nullptr, 0) == 0 ? "0 is fine" : "0 fails");
        zmq_setsockopt(sub, ZMQ_SUBSCRIBE, nullptr, 3);
        report(", 3 returns");
    });
    CHECK(child.read_all() == "0 is fine");
    const int end = child.wait();
    CHECK((end == -SIGABRT || end == -SIGSEGV));  // not SIGALRM, because it does not hang
}

}  // namespace notes
