#include <csignal>
#include <deque>
#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "peer.hpp"
#include "relay.hpp"

namespace {

namespace fs = std::filesystem;

bool no_curve() {
    if (zmq_has("curve") == 1) return false;
    std::puts("curve-req-rep: skipped: this libzmq was built without CURVE");
    return true;
}

/// The command lines of the two programs, with their keys in a folder.
struct Keys {
    const Folder folder;
    std::string at(const std::string& name) const { return folder.path(name); }
    std::string key(const std::string& name) const { return lines_of(read_file(at(name))).at(0); }
    std::string server(const std::string& more = "") const {
        return "curve-req-rep/server --bind " + any_port + " --key " + at("server") + " --allow " +
               at("client.public") + more;
    }
    std::string client(const std::string& endpoint, const std::string& more = "") const {
        return "curve-req-rep/client --connect " + endpoint + " --key " + at("client") +
               " --server " + at("server.public") + " --count 2" + more;
    }
    void are_served(const std::string& endpoint, const std::string& more = "") const {
        Process process(client(endpoint, more));
        CHECK(process.wait() == 0);
        CHECK(process.output() == "received World\nreceived World\n2 replies\n");
        CHECK(process.errors().empty());
    }
};

/// The program ends with an error that has this text, before it does anything.
void fails(const std::string& command, const std::string& text) {
    Process process(command);
    CHECK(process.wait() == 1);
    CHECK(process.output().empty());
    CHECK(process.errors().find(text) != std::string::npos);
}

const std::string hint = "\nhint: ";

}  // namespace

TEST_CASE("curve-req-rep: programs that start at once make one key pair, and agree on it",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Folder folder;
    const auto start = [&folder](const std::string& words) {
        return "cd " + folder.path("") + " && exec \"$built\"/curve-req-rep/" + words;
    };
    std::deque<Shell> servers, clients;
    for (int n = 0; n < 8; ++n) servers.emplace_back(start("server --bind " + any_port));
    for (auto& server : servers)
        clients.emplace_back(start("client --connect " + server.endpoint()));
    for (auto& client : clients) {
        CHECK(client.wait() == 0);
        CHECK(client.last_line() == "10 replies");
    }
    CHECK(std::distance(fs::directory_iterator(folder.path("keys")), {}) == 4);
}

TEST_CASE("curve-req-rep: a server serves the clients whose keys it knows, and no others",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    const std::string allowed = keys.at("client.public");
    Process server(keys.server(" --allow " + keys.at("b.public")));
    const std::string endpoint = server.endpoint();
    const std::string b = " --key " + keys.at("b"), stranger = " --key " + keys.at("stranger");
    Relay network(endpoint);
    keys.are_served(network.endpoint());
    CHECK(network.bytes().find("CURVE") != std::string::npos);
    for (const auto* secret : {"Hello", "World"})
        CHECK(network.bytes().find(secret) == std::string::npos);
    keys.are_served(endpoint, b);
    fails(keys.client(endpoint, stranger), "400");
    server.wait_for_error("refused a client at 127.0.0.1, key " + keys.key("stranger.public"));
    fails(keys.client(endpoint, " --server " + allowed), hint);  // another server's key
    // Without keys. Either side may be the first to see that the other's mechanism is not its own.
    Peer(ZMQ_REQ).connect_until(
        endpoint, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    RawPeer old(endpoint);  // a request in ZMTP 1: empty routing ID, delimiter, Hello
    old.send(std::string("\1\0\1\1\6\0Hello", 11));
    old.wait_for_end();
    // A file without a key lets no client in, and is named. The server goes on.
    std::ofstream(allowed) << "nonsense\n";
    fails(keys.client(endpoint, stranger), hint);
    server.wait_for_error(allowed);
    fs::copy_file(keys.at("stranger.public"), allowed, fs::copy_options::overwrite_existing);
    keys.are_served(endpoint, stranger);
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.last_line() == "6 requests");
}

TEST_CASE("curve-req-rep: a client gives up where it finds no CURVE, or no handshake three times",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    Process server(keys.server()), plain("req-rep/server", {"--bind", any_port});
    const std::string endpoint = server.endpoint();
    keys.are_served(Relay(endpoint, Lines(2)).endpoint());
    fails(keys.client(Relay(endpoint, Lines(3)).endpoint()), hint);
    fails(keys.client(Relay(endpoint, {"HTTP/1.1 400 Bad Request\r\n\r\n"}).endpoint()), hint);
    fails(keys.client(plain.endpoint()), hint);
    CHECK(plain.stop(SIGINT) == 128 + SIGINT);
    CHECK(plain.last_line() == "0 requests");
}

TEST_CASE("curve-req-rep: a secret key is readable by its owner only, and is not printed",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    const std::string own = keys.server(" --key " + keys.at("new/server"));
    Shell server("umask 0; exec \"$built\"/" + own);
    server.endpoint();
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    const std::string secret = keys.at("new/server.secret");
    CHECK(fs::status(secret).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    CHECK(fs::status(keys.at("new")).permissions() == fs::perms::owner_all);
    const std::string key = keys.key("new/server.secret");
    CHECK((server.output() + server.errors()).find(key) == std::string::npos);
    for (const auto others : {0640U, 0604U, 0620U}) {
        fs::permissions(secret, fs::perms(others));
        fails(own, secret);
    }
}

TEST_CASE("curve-req-rep: a file without a key is named, and only a missing one is made",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    Process(keys.server()).endpoint();  // makes its keys
    const std::string file = keys.at("bad.secret"), key = keys.key("server.secret");
    const std::string nowhere = "tcp://127.0.0.1:1", none = keys.at("none");
    for (const std::string& text :
         {std::string(), key.substr(1), key + std::string(1, '\0'), key + "x", key + "\n" + key,
          key.substr(1) + " ", key.substr(1) + std::string(1, '\0')}) {
        INFO(text);
        std::ofstream(file) << text;
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        fails(keys.server(" --key " + keys.at("bad")), file);
        fails(keys.client(nowhere, " --server " + file), file);
    }
    fails(keys.client(nowhere, " --server " + none), none);
    fails(keys.server(" --key " + none + "/none/server"), none + "/none");
    CHECK(!fs::exists(none));

    const std::string server = keys.at("server.public"), made = keys.key("server.public");
    fs::remove(server);
    keys.are_served(Process(keys.server()).endpoint());
    CHECK(keys.key("server.public") == made);
    fs::copy_file(keys.at("client.public"), server, fs::copy_options::overwrite_existing);
    fails(keys.server(), server);
    CHECK(keys.key("server.public") == keys.key("client.public"));
}
