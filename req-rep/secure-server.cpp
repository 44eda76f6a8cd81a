// Answers every request with World, encrypted, for clients whose key it knows.
//   REP binds tcp://127.0.0.1:5566
//   REP binds inproc://zeromq.zap.01
// Its other half is secure-client.cpp; server.cpp is the same without the locks.
#include <cstdio>

#include "common.hpp"
#include "keys.hpp"
#include "threads.hpp"

static const std::string domain = "req-rep";

/// Whether one of the files has the key. They are read each time: a client may be let in while the
/// server runs. One that is not there, or makes no sense, lets nobody in.
static bool is_allowed(const std::string& key, const std::vector<std::string>& files) {
    for (const auto& file : files) {
        try {
            if (access(file.c_str(), F_OK) == 0 && read_key(file, false) == key) return true;
        } catch (const std::runtime_error& error) {
            left_out(error.what());
        }
    }
    return false;
}

/// ZAP (https://rfc.zeromq.org/spec/27/): libzmq asks here about each client that has proved that
/// it owns its key, and lets it in for status 200 only. 400 tells the client that it is refused,
/// and it stops trying; after 300 the connection would be closed without a word, and made again.
static void authenticate(void* authenticator, const std::vector<std::string>& files) {
    enum { version, id, of_domain, address, identity, mechanism, credentials, frames };
    Message frame;
    while (true) {
        std::vector<std::string> request;
        do {
            check(zmq_msg_recv(frame.get(), authenticator, 0), "zmq_msg_recv", "ZAP");
            request.emplace_back(frame.bytes());
        } while (zmq_msg_more(frame.get()) == 1);
        const bool sound = request.size() == frames && request[version] == "1.0" &&
                           request[of_domain] == domain && request[mechanism] == "CURVE" &&
                           request[credentials].size() == 32;
        request.resize(frames);
        std::string key(z85_size + 1, '\0'), status = "500", reason = "not a request for CURVE";
        if (sound) {
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(request[credentials].data());
            check(zmq_z85_encode(key.data(), bytes, 32), "zmq_z85_encode");
            key.pop_back();  // the NUL
            const bool allowed = is_allowed(key, files);
            status = allowed ? "200" : "400";
            reason = allowed ? "OK" : "its key is not allowed: " + key;
        }
        if (status != "200")
            std::fprintf(stderr, "secure-server: refused a client at %s: %s\n",
                         text(request[address]).c_str(), reason.c_str());
        // The user id goes with each message of the client, as zmq_msg_gets(..., "User-Id").
        const std::string user = status == "200" ? key : "", metadata;
        const std::string reply[] = {"1.0", request[id], status, reason, user, metadata};
        for (const auto& part : reply)
            check(zmq_send(authenticator, part.data(), part.size(),
                           &part == &reply[5] ? 0 : ZMQ_SNDMORE),
                  "zmq_send", "ZAP");
    }
}

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5566", path = "keys/server";
    const std::string zap = "inproc://zeromq.zap.01";  // the name is fixed
    std::vector<std::string> clients{"keys/client.public"};
    int count = 0;
    bool quiet = false;
    parse(argc, argv, "answers every request with World, for clients whose key it knows",
          {{"bind ENDPOINT", &endpoint, "REP binds"},
           {"", {}, "REP binds inproc://zeromq.zap.01, where libzmq asks who may come"},
           {"key PATH", &path, "its keys, PATH.secret and PATH.public, made if not there"},
           {"allow FILE", &clients, "the public key of a client that may come"},
           {"count N", &count, "requests to answer, 0: until interrupted"},
           {"quiet", &quiet, quiet_help}});
    const KeyPair own = key_pair(path);

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary requests("request", "requests", quiet);
    // Bound before the responder and closed after it: where nobody is bound to be asked, libzmq
    // encrypts and lets everybody in.
    const Socket authenticator(check(zmq_socket(context.get(), ZMQ_REP), "zmq_socket", "REP"));
    check(zmq_bind(authenticator.get(), zap.c_str()), "zmq_bind", zap);
    const Socket responder(check(zmq_socket(context.get(), ZMQ_REP), "zmq_socket", "REP"));
    check(zmq_setsockopt(responder.get(), ZMQ_LINGER, &linger_at_interrupt,
                         sizeof linger_at_interrupt),
          "zmq_setsockopt", "ZMQ_LINGER");
    const int on = 1;
    check(zmq_setsockopt(responder.get(), ZMQ_CURVE_SERVER, &on, sizeof on), "zmq_setsockopt",
          "ZMQ_CURVE_SERVER");
    check(zmq_setsockopt(responder.get(), ZMQ_CURVE_SECRETKEY, own.secret_key.c_str(),
                         own.secret_key.size() + 1),
          "zmq_setsockopt", "ZMQ_CURVE_SECRETKEY");
    check(zmq_setsockopt(responder.get(), ZMQ_ZAP_DOMAIN, domain.data(), domain.size()),
          "zmq_setsockopt", "ZMQ_ZAP_DOMAIN");
    check(zmq_setsockopt(responder.get(), ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
          "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    check(zmq_bind(responder.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(responder.get()).c_str());

    Threads threads(context.get());
    threads.start([&] { authenticate(authenticator.get(), clients); });
    bool finished = false;
    threads.here([&] {
        constexpr std::string_view reply = "World";
        Message request;
        while (count == 0 || requests.count() < count) {
            check(zmq_msg_recv(request.get(), responder.get(), 0), "zmq_msg_recv");
            requests.start();
            if (!quiet) std::printf("received %s\n", text(request.bytes()).c_str());
            while (zmq_msg_more(request.get()) == 1)  // a request may have more frames
                check(zmq_msg_recv(request.get(), responder.get(), 0), "zmq_msg_recv");
            check(zmq_send(responder.get(), reply.data(), reply.size(), 0), "zmq_send");
            ++requests;
        }
        check(zmq_setsockopt(responder.get(), ZMQ_LINGER, &linger_at_end, sizeof linger_at_end),
              "zmq_setsockopt", "ZMQ_LINGER");  // the last reply is to arrive, too
        finished = true;
    });
    if (!finished) threads.join();
    return 0;
} catch (...) {
    return exit_status();
}
