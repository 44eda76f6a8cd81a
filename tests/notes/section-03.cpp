// Section 3 of the notes: PUB-SUB.
#include <deque>

#include "notes.hpp"

namespace notes {

namespace {

/// Lets a bound publisher, which shares its thread and context with the subscribers, take in the
/// subscriptions that have come: zmq_send alone looks for them only now and then.
void take_in_subscriptions(Socket& publisher) { publisher.get(ZMQ_EVENTS); }

/// What an XPUB and a SUB say and hear when the SUB subscribes with the first `size` of `bytes`.
struct Heard {
    std::string subscription;  // what the XPUB gets
    Frames messages;           // which of those that are published the SUB gets
};
Heard subscribe(const void* bytes, size_t size, const Frames& published) {
    Context context;
    Socket xpub(context, ZMQ_XPUB), sub(context, ZMQ_SUB);
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, bytes, size) == 0);
    sub.connect(xpub.bind(any_port));
    Heard heard;
    heard.subscription = receive(xpub).at(0);
    // The fence comes after all others and is something that every SUB here gets.
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "fence", 5) == 0);
    if (size > 0) CHECK(receive(xpub) == Frames{"\1fence"});
    for (const auto& message : published) send(xpub, {message});
    send(xpub, {"fence"});
    for (std::string message; (message = receive(sub).at(0)) != "fence";)
        heard.messages.push_back(message);
    return heard;
}

}  // namespace

TEST_CASE("3.1: what a PUB publishes goes to each SUB", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB);
    pub.bind("inproc://news");
    std::deque<Socket> subs;
    for (int i = 0; i < 4; ++i) {
        subs.emplace_back(context, ZMQ_SUB).set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    }
    take_in_subscriptions(pub);
    CHECK(zmq_send(pub, "news", 4, 0) == 4);  // sent once
    for (auto& sub : subs) CHECK(receive(sub) == Frames{"news"});
}

TEST_CASE("3.2: the roles are fixed but a SUB may bind and a publisher connect", "[notes]") {
    Context context;
    Socket sub(context, ZMQ_SUB), xpub(context, ZMQ_XPUB);
    const std::string endpoint = sub.bind(any_port);
    CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "A", 1) == 0);
    CHECK(zmq_connect(xpub, endpoint.c_str()) == 0);
    // A bound SUB passes its subscription on when its own thread comes by: poll both.
    zmq_pollitem_t items[] = {{xpub, 0, ZMQ_POLLIN, 0}, {sub, 0, ZMQ_POLLIN, 0}};
    CHECK(zmq_poll(items, 2, deadline_ms) == 1);
    CHECK(items[0].revents == ZMQ_POLLIN);
    CHECK(receive(xpub) == Frames{"\1A"});  // subscriptions are what goes up
    send(xpub, {"A1"});                     // and data what goes down
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
    // The subscription has come and is at work, yet there is nothing to read.
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

TEST_CASE("3.3: a PUB without a peer sends at once into nothing", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.set(ZMQ_SNDHWM, 1).bind("inproc://news");
    for (int i = 0; i < 1000; ++i) REQUIRE(zmq_send(pub, "lost", 4, 0) == 4);
    CHECK(poll(pub, ZMQ_POLLOUT, 0) == ZMQ_POLLOUT);
    sub.set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    take_in_subscriptions(pub);
    CHECK(zmq_send(pub, "heard", 5, 0) == 5);
    CHECK(receive(sub) == Frames{"heard"});
}

TEST_CASE("3.4: a SUB cannot send", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://news");
    sub.set(ZMQ_SUBSCRIBE, "").connect("inproc://news");
    CHECK(error_of(zmq_send(sub, "x", 1, 0)) == ENOTSUP);
    CHECK(error_of(zmq_send(sub, "x", 1, ZMQ_DONTWAIT)) == ENOTSUP);
    take_in_subscriptions(pub);
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
    Socket pub(context, ZMQ_PUB), xsub(context, ZMQ_XSUB);  // an XSUB takes whatever comes
    pub.bind("inproc://news");
    xsub.connect("inproc://news");
    CHECK(zmq_send(xsub, "\1A", 2, 0) == 2);
    take_in_subscriptions(pub);
    send(pub, {"B0"});
    send(pub, {"A0"});
    CHECK(receive(xsub) == Frames{"A0"});  // B0 was never sent to it
}

TEST_CASE("3.5a: a SUB filters once more", "[notes]") {
    Context context;
    Socket xpub(context, ZMQ_XPUB), sub(context, ZMQ_SUB), xsub(context, ZMQ_XSUB);
    xpub.set(ZMQ_XPUB_MANUAL, 1);  // subscriptions become what the application makes of them
    const std::string endpoint = xpub.bind(any_port);
    for (Socket* subscriber : {&sub, &xsub}) {
        if (subscriber == &sub)
            sub.set(ZMQ_SUBSCRIBE, "A").connect(endpoint);
        else
            send(xsub.connect(endpoint), {"\1A"});
        CHECK(receive(xpub) == Frames{"\1A"});
        CHECK(zmq_setsockopt(xpub, ZMQ_SUBSCRIBE, "", 0) == 0);  // this one is to get everything
    }
    send(xpub, {"B0"});
    send(xpub, {"A0"});
    CHECK(receive(xsub) == Frames{"B0"});
    CHECK(receive(xsub) == Frames{"A0"});
    CHECK(receive(sub) == Frames{"A0"});
}

TEST_CASE("3.5a: what was published before the subscription came is lost", "[notes]") {
    Context context;
    Socket xpub(context, ZMQ_XPUB), sub(context, ZMQ_SUB);
    Monitor monitor(context, xpub, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    sub.connect(xpub.bind(any_port));
    monitor.next();  // connected, but not subscribed yet
    take_in_subscriptions(xpub);
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
    take_in_subscriptions(pub);
    for (char i = 'a'; i < 'a' + 20; ++i) CHECK(zmq_send(pub, &i, 1, ZMQ_DONTWAIT) == 1);

    // Over inproc the two marks add up: the first six are there, and no send has failed.
    std::string got, all;
    while (poll(slow, ZMQ_POLLIN, 0) != 0) got += receive(slow).at(0);
    CHECK(got == "abcdef");
    while (poll(roomy, ZMQ_POLLIN, 0) != 0) all += receive(roomy).at(0);
    CHECK(all == "abcdefghijklmnopqrst");  // only the slow one has lost any
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
    take_in_subscriptions(pub);
    for (const auto* message : {"A1", "C1", "B1", "", "A2"}) send(pub, {message});
    for (const auto* message : {"A1", "B1", "A2"}) CHECK(receive(few) == Frames{message});
    for (const auto* message : {"A1", "C1", "B1", "", "A2"}) CHECK(receive(all) == Frames{message});
}

TEST_CASE("3.5b: a message that matches two prefixes comes once", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://news");
    sub.set(ZMQ_SUBSCRIBE, "A").set(ZMQ_SUBSCRIBE, "AB").connect("inproc://news");
    take_in_subscriptions(pub);
    send(pub, {"ABC"});
    send(pub, {"A last"});
    CHECK(receive(sub) == Frames{"ABC"});
    CHECK(receive(sub) == Frames{"A last"});
}

TEST_CASE("3.5b: only the first part is compared", "[notes]") {
    Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://news");
    sub.set(ZMQ_SUBSCRIBE, "key").connect("inproc://news");
    take_in_subscriptions(pub);
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
    take_in_subscriptions(pub);
    send(pub, {"A1"});
    CHECK(receive(sub) == Frames{"A1"});  // still subscribed once

    CHECK(zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "A", 1) == 0);
    take_in_subscriptions(pub);
    send(pub, {"A2"});
    send(pub, {"fence"});
    CHECK(receive(sub) == Frames{"fence"});
}

TEST_CASE("3.6: a subscription is a prefix and all of its bytes count", "[notes]") {
    const Frames published{"s", "sub", "sub1", "sub1x", "sub2", "t"};
    const Heard whole = subscribe("sub1", 4, published);
    CHECK(whole.subscription == "\1sub1");
    CHECK(whole.messages == Frames{"sub1", "sub1x"});  // not sub2, which has the same first byte

    // So comes what is often believed: three bytes or one are the same for sub1 and sub2.
    const Heard three = subscribe("sub1", 3, published);
    CHECK(three.subscription == "\1sub");
    CHECK(three.messages == Frames{"sub", "sub1", "sub1x", "sub2"});
    const Heard one = subscribe("sub1", 1, published);
    CHECK(one.subscription == "\1s");
    CHECK(one.messages == Frames{"s", "sub", "sub1", "sub1x", "sub2"});
}

TEST_CASE("3.7: optvallen alone says how long the prefix is", "[notes]") {
    const Frames published{"sub", "sub1", "sub1x", "sub1\0"s, "\0a"s, "\0b"s, "\0bx"s};
    CHECK(subscribe("sub1", 0, published).messages == published);  // none: everything
    const Heard null = subscribe(nullptr, 0, published);
    CHECK(null.subscription == "\1");
    CHECK(null.messages == published);

    // sizeof counts the NUL at the end, and then that belongs to the prefix.
    const Heard with_nul = subscribe("sub1", sizeof "sub1", published);
    CHECK(with_nul.subscription == "\1sub1\0"s);
    CHECK(with_nul.messages == Frames{"sub1\0"s});

    // A NUL is a byte like any other.
    const Heard embedded = subscribe("\0b", 2, published);
    CHECK(embedded.subscription == "\1\0b"s);
    CHECK(embedded.messages == Frames{"\0b"s, "\0bx"s});
}

TEST_CASE("3.7: a null pointer with a length ends the process", "[notes]") {
    Child child([](const auto& say) {
        void* context = zmq_ctx_new();
        void* sub = zmq_socket(context, ZMQ_SUB);
        say(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, nullptr, 0) == 0 ? "0 is fine" : "0 fails");
        zmq_setsockopt(sub, ZMQ_SUBSCRIBE, nullptr, 3);
        say(", 3 comes back");
    });
    CHECK(child.words() == "0 is fine");
    const int end = child.wait();
    CHECK((end == -SIGABRT || end == -SIGSEGV));  // the alarm it is not: it does not hang
}

}  // namespace notes
