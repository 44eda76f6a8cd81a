// Section 15 of the notes: pub-sub envelopes.
#include "notes.hpp"

namespace notes {

namespace {

/// A publisher and a subscriber to `key` whose subscription has arrived.
struct Post {
    Context context;
    Socket pub{context, ZMQ_XPUB}, sub{context, ZMQ_SUB};
    explicit Post(const std::string& key) {
        sub.set(ZMQ_SUBSCRIBE, key).connect(pub.bind(any_port));
        CHECK(receive(pub) == Frames{"\1" + key});
    }
};

}  // namespace

TEST_CASE("15.1: the first frame is the key and decides about the whole message", "[notes]") {
    Post post("B");
    send(post.pub, {"A", "for A"});
    send(post.pub, {"B", "for B", "", "with all its frames"});
    send(post.pub, {"A", "B"});  // a B in another frame does not count
    send(post.pub, {"B"});
    CHECK(receive(post.sub) == Frames{"B", "for B", "", "with all its frames"});
    CHECK(receive(post.sub) == Frames{"B"});
}

TEST_CASE("15.1: a key is still a prefix so a subscriber to B also gets Bx", "[notes]") {
    Post post("B");
    send(post.pub, {"Bx", "for Bx"});
    send(post.pub, {"AB", "for AB"});
    send(post.pub, {"B", "for B"});
    CHECK(receive(post.sub) == Frames{"Bx", "for Bx"});
    CHECK(receive(post.sub) == Frames{"B", "for B"});
}

TEST_CASE("15.1: with an end mark in the key only the whole key matches", "[notes]") {
    Post post("B|");
    send(post.pub, {"Bx|", "for Bx"});
    send(post.pub, {"B|", "for B"});
    CHECK(receive(post.sub) == Frames{"B|", "for B"});
}

TEST_CASE("15.1: without an envelope key and data are one frame", "[notes]") {
    Post post("B");
    send(post.pub, {"B for B"});
    CHECK(receive(post.sub) == Frames{"B for B"});
    send(post.pub, {"for B"});
    send(post.pub, {"But for whom?"});  // data that starts with the same byte as the key
    CHECK(receive(post.sub) == Frames{"But for whom?"});
}

TEST_CASE("15.2: a PUB adds no sender by itself", "[notes]") {
    const Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://pub");
    sub.set(ZMQ_SUBSCRIBE, "B").connect("inproc://pub");
    pub.get(ZMQ_EVENTS);  // processes the subscription
    send(pub, {"B", "data"});
    CHECK(receive(sub) == Frames{"B", "data"});
}

TEST_CASE("15.2: a sender's address is an ordinary frame that tells where to reply", "[notes]") {
    Post post("B");
    Socket answers(post.context, ZMQ_PULL);
    const std::string address = answers.bind(any_port);
    send(post.pub, {"B", address, "data"});
    const Frames letter = receive(post.sub);
    CHECK(letter == Frames{"B", address, "data"});
    // The same socket cannot reply, so use another one.
    CHECK(error_of(zmq_send(post.sub, "thanks", 6, 0)) == ENOTSUP);
    Socket back(post.context, ZMQ_PUSH);
    back.connect(letter.at(1));
    send(back, {"thanks"});
    CHECK(receive(answers) == Frames{"thanks"});
}

TEST_CASE("15.2: ZeroMQ itself provides only the IP address of the sender and no port", "[notes]") {
    Post post("B");
    send(post.pub, {"B"});
    zmq_msg_t message;
    check(zmq_msg_init(&message));
    check(zmq_msg_recv(&message, post.sub, 0));
    const char* const address = zmq_msg_gets(&message, "Peer-Address");
    REQUIRE(address != nullptr);
    CHECK(address == "127.0.0.1"s);
    check(zmq_msg_close(&message));
}

}  // namespace notes
