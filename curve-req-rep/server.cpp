// Answers every request with "World", encrypted, for the clients whose keys it knows.
//   REP binds tcp://127.0.0.1:5566
//   REP binds inproc://zeromq.zap.01
// Run it with client.cpp. ../req-rep/server.cpp is the same without the keys.
#include "handshake.hpp"
#include "keys.hpp"

/// Whether one of the files has the key. Reads them each time, so that you can add a client while
/// the server runs.
static bool is_allowed(const std::string& key, const std::vector<std::string>& files) {
    for (const auto& file : files)
        if (const auto known = try_read_key(file); known == key) return true;
    return false;
}

/// Answers one question of libzmq about a client that has proved that it owns its key (ZAP,
/// https://rfc.zeromq.org/spec/27/). The status 400 tells the client that it is refused.
static void authenticate(void* authenticator, const std::vector<std::string>& files) {
    // Version, request ID, domain, address, routing ID, mechanism, the key's 32 bytes.
    const auto question = receive_frames(authenticator);
    char key[41] = "";
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(question.at(6).data());
    const bool allowed = question[5] == "CURVE" && question[6].size() == 32 &&
                         zmq_z85_encode(key, bytes, 32) != nullptr && is_allowed(key, files);
    if (!allowed) print_error("refused a client at " + question.at(3) + ", key " + key);
    const std::string status = allowed ? "200" : "400", reason = allowed ? "OK" : "unknown key";
    for (const auto& frame : {std::string("1.0"), question.at(1), status, reason, std::string(key)})
        check(zmq_send(authenticator, frame.data(), frame.size(), ZMQ_SNDMORE));
    check(zmq_send(authenticator, nullptr, 0, 0));  // no metadata
}

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5566", path = "keys/server";
    std::vector<std::string> clients{"keys/client.public"};
    parse(argc, argv, "Answer every request with \"World\", for clients whose keys it knows.",
          {{"bind ENDPOINT", &endpoint, "where the REP socket binds"},
           {"key PATH", &path, "the server's keys, PATH.secret and PATH.public, made if missing"},
           {"allow FILE", &clients, "public key of a client"}});
    const KeyPair own = key_pair(path);

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary requests("request", "requests");
    // libzmq asks this socket about each client. Without it, libzmq lets every client in, so bind
    // it first, and declare it first, because then it is closed last.
    const Socket authenticator(zmq_socket(context, ZMQ_REP));
    check(zmq_bind(authenticator, "inproc://zeromq.zap.01"));
    const Socket responder(zmq_socket(context, ZMQ_REP));
    const int on = 1;
    check(zmq_setsockopt(responder, ZMQ_CURVE_SERVER, &on, sizeof on));
    set_key(responder, ZMQ_CURVE_SECRETKEY, own.secret_key);
    constexpr std::string_view domain = "req-rep";
    check(zmq_setsockopt(responder, ZMQ_ZAP_DOMAIN, domain.data(), domain.size()));
    check(zmq_bind(responder, endpoint.c_str()), "zmq_bind " + endpoint);
    print_listening(responder);

    constexpr std::string_view world = "World";
    Message request;
    zmq_pollitem_t items[] = {{authenticator, 0, ZMQ_POLLIN, 0}, {responder, 0, ZMQ_POLLIN, 0}};
    while (true) {
        check(zmq_poll(items, 2, -1));
        if (items[0].revents != 0) authenticate(authenticator, clients);
        if (!check_unless_again(zmq_msg_recv(request, responder, ZMQ_DONTWAIT))) continue;
        print("received ", request);
        skip_rest(request, responder);
        check(zmq_send(responder, world.data(), world.size(), 0));
        ++requests;
    }
} catch (...) {
    return report_error();
}
