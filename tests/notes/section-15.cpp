// Section 15: envelopes.
#include "notes.hpp"

namespace notes {

namespace {

/// A publisher and a subscriber to `key`, whose subscription has come.
struct Post {
    Context context;
    Socket pub{context, ZMQ_XPUB}, sub{context, ZMQ_SUB};
    explicit Post(const std::string& key) {
        sub.set(ZMQ_SUBSCRIBE, key).connect(pub.bind(any_port));
        CHECK(receive(pub) == Frames{"\1" + key});
    }
};

}  // namespace

TEST_CASE("15.1: the first part is the key and by it the message goes with all its parts or not",
          "[notes]") {
    Post post("B");
    send(post.pub, {"A", "for A"});
    send(post.pub, {"B", "for B", "", "with all its parts"});
    send(post.pub, {"A", "B"});  // a B in another part does not count
    send(post.pub, {"B"});
    CHECK(receive(post.sub) == Frames{"B", "for B", "", "with all its parts"});
    CHECK(receive(post.sub) == Frames{"B"});
}

TEST_CASE("15.1: a key is still a prefix - a subscriber to B gets Bx as well", "[notes]") {
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

TEST_CASE("15.1: without an envelope key and data are one part", "[notes]") {
    Post post("B");
    send(post.pub, {"B for B"});
    CHECK(receive(post.sub) == Frames{"B for B"});
    send(post.pub, {"for B"});
    send(post.pub, {"But for whom?"});  // data that happens to begin like the key
    CHECK(receive(post.sub) == Frames{"But for whom?"});
}

TEST_CASE("15.2: a PUB adds no sender by itself", "[notes]") {
    const Context context;
    Socket pub(context, ZMQ_PUB), sub(context, ZMQ_SUB);
    pub.bind("inproc://pub");
    sub.set(ZMQ_SUBSCRIBE, "B").connect("inproc://pub");
    pub.get(ZMQ_EVENTS);  // it takes in the subscription
    send(pub, {"B", "data"});
    CHECK(receive(sub) == Frames{"B", "data"});
}

TEST_CASE("15.2: a sender's address is a part like any other and says where to answer", "[notes]") {
    Post post("B");
    Socket answers(post.context, ZMQ_PULL);
    const std::string address = answers.bind(any_port);
    send(post.pub, {"B", address, "data"});
    const Frames letter = receive(post.sub);
    CHECK(letter == Frames{"B", address, "data"});
    // On the same socket there is no way back. It takes another one.
    CHECK(error_of(zmq_send(post.sub, "thanks", 6, 0)) == ENOTSUP);
    Socket back(post.context, ZMQ_PUSH);
    back.connect(letter.at(1));
    send(back, {"thanks"});
    CHECK(receive(answers) == Frames{"thanks"});
}

TEST_CASE("15.2: of the sender 0MQ itself knows only the IP address without a port", "[notes]") {
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
