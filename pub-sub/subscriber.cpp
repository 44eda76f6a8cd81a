// Receives the published messages that begin with its name.
//   SUB connects tcp://127.0.0.1:5556
// Its other half is publisher.cpp.
#include <cstdio>

#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5556", name = "sub1";
    int count = 10;
    bool quiet = false;
    parse(argc, argv, "receives the published messages that begin with its name",
          {{"connect ENDPOINT", &endpoint, "SUB connects"},
           {"name NAME", &name, "what to subscribe to, a prefix; empty: everything"},
           {"count N", &count, "messages to receive, 0: until interrupted"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary messages("message", "messages", quiet);
    const Socket subscriber(check(zmq_socket(context.get(), ZMQ_SUB), "zmq_socket", "SUB"));
    // All bytes of the name count, and nothing but the beginning of a message is compared with
    // them.
    check(zmq_setsockopt(subscriber.get(), ZMQ_SUBSCRIBE, name.data(), name.size()),
          "zmq_setsockopt ZMQ_SUBSCRIBE", name);
    check(zmq_connect(subscriber.get(), endpoint.c_str()), "zmq_connect", endpoint);

    Message message;
    while (count == 0 || messages.count() < count) {
        check(zmq_msg_recv(message.get(), subscriber.get(), 0), "zmq_msg_recv");
        messages.start();
        if (!quiet) std::printf("received %s\n", text(message.bytes()).c_str());
        while (zmq_msg_more(message.get()) == 1)  // a message may have more frames: read them all
            check(zmq_msg_recv(message.get(), subscriber.get(), 0), "zmq_msg_recv");
        ++messages;
    }
    return 0;
} catch (...) {
    return exit_status();
}
