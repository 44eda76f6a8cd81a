#include <sys/stat.h>

#include <algorithm>
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
    /// Makes the server's keys, for a test without a server.
    void make_server_keys() const { Process(server()).endpoint(); }

    void are_served(const std::string& endpoint, const std::string& more = "") const {
        Process process(client(endpoint, more));
        CHECK(process.wait() == 0);
        CHECK(process.output() == "received World\nreceived World\n2 replies\n");
        CHECK(process.errors().empty());
    }
};

/// The client ends with an error that has a hint, before any reply. Returns its first line.
std::string is_not_served(const std::string& command) {
    Process client(command);
    CHECK(client.wait() == 1);
    CHECK(client.output() == "");
    const auto lines = lines_of(client.errors());
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].rfind("client: ", 0) == 0);
    CHECK(lines[1].rfind("hint: ", 0) == 0);
    return lines[0];
}

/// The program ends with an error that has this text, before it does anything.
void fails(const std::string& command, const std::string& text) {
    Process process(command);
    CHECK(process.wait() == 1);
    CHECK(process.output().empty());
    CHECK(process.errors().find(text) != std::string::npos);
}

}  // namespace

TEST_CASE(
    "curve-req-rep: with the defaults programs that start at once agree on keys and keep them",
    "[curve-req-rep]") {
    if (no_curve()) return;
    const Folder folder;
    const auto there = [&folder](const std::string& words) {
        return "cd " + folder.path("") + " && exec \"$built\"/curve-req-rep/" + words;
    };
    std::string made;
    for (int run = 0; run < 2; ++run) {
        std::deque<Shell> servers, clients;
        for (int n = 0; n < 8; ++n) servers.emplace_back(there("server --bind " + any_port));
        for (auto& server : servers)
            clients.emplace_back(there("client --connect " + server.endpoint()));
        for (auto& client : clients) {
            CHECK(client.wait() == 0);
            CHECK(client.last_line() == "10 replies");
        }
        std::string keys;
        for (const auto* name :
             {"server.secret", "server.public", "client.secret", "client.public"})
            keys += read_file(folder.path("keys/") + name);
        if (run == 1) CHECK(keys == made);
        made = keys;
    }
    CHECK(std::distance(fs::directory_iterator(folder.path("keys")), {}) == 4);
}

TEST_CASE("curve-req-rep: a relay on the way cannot read the messages", "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    for (const bool secure : {false, true}) {
        Process server(secure ? keys.server() : "req-rep/server --bind " + any_port);
        Relay network(server.endpoint());
        Process client(secure ? keys.client(network.endpoint())
                              : "req-rep/client --connect " + network.endpoint());
        CHECK(client.wait() == 0);
        const std::string bytes = network.bytes();
        CHECK(bytes.size() > 200);
        CHECK((bytes.find("Hello") == std::string::npos) == secure);
        CHECK((bytes.find("World") == std::string::npos) == secure);
    }
}

TEST_CASE("curve-req-rep: a server serves the clients whose keys it knows, and no others",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    const std::string allowed = keys.at("client.public");
    Process server(keys.server(" --allow " + keys.at("b.public")));
    const std::string endpoint = server.endpoint();
    const std::string b = " --key " + keys.at("b"), stranger = " --key " + keys.at("stranger");
    keys.are_served(endpoint);
    keys.are_served(endpoint, b);
    CHECK(is_not_served(keys.client(endpoint, stranger)).find("400") != std::string::npos);
    server.wait_for_error("refused a client at 127.0.0.1, key " + keys.key("stranger.public"));
    is_not_served(keys.client(endpoint, " --server " + allowed));  // another server's key
    // Without keys. Either side may be the first to see that the other's mechanism is not its own.
    Peer(ZMQ_REQ).connect_until(
        endpoint, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    RawPeer old(endpoint);  // a request in ZMTP 1: empty routing ID, delimiter, Hello
    old.send(std::string("\1\0\1\1\6\0Hello", 11));
    old.wait_for_end();
    // A file without a key lets no client in, and is named. The server goes on.
    std::ofstream(allowed) << "nonsense\n";
    is_not_served(keys.client(endpoint, stranger));
    server.wait_for_error(allowed);
    fs::copy_file(keys.at("stranger.public"), allowed, fs::copy_options::overwrite_existing);
    keys.are_served(endpoint, stranger);
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.last_line() == "6 requests");
}

TEST_CASE("curve-req-rep: a client does not talk to a server without keys", "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    keys.make_server_keys();
    Process server("req-rep/server", {"--bind", any_port});
    is_not_served(keys.client(server.endpoint()));
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.last_line() == "0 requests");
}

TEST_CASE("curve-req-rep: a client gives up at the third handshake in a row that is ended",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    keys.make_server_keys();
    Process server(keys.server());
    const std::string endpoint = server.endpoint();
    const Relay thrice(endpoint, Lines(3));
    is_not_served(keys.client(thrice.endpoint()));
    Relay network(endpoint, Lines(2));
    Process client(keys.client(network.endpoint(), " --count 0"));
    client.wait_for("received World");
    CHECK(client.stop(SIGINT) == 128 + SIGINT);
}

TEST_CASE("curve-req-rep: a secret key is readable by its owner only, and is not printed",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    const std::string secret = keys.at("new/server.secret");
    const std::string own = keys.server(" --key " + keys.at("new/server"));
    {
        Shell server("umask 0; exec \"$built\"/" + own);
        server.endpoint();
        CHECK(server.stop(SIGINT) == 128 + SIGINT);
        CHECK(fs::status(secret).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
        CHECK(fs::status(keys.at("new")).permissions() == fs::perms::owner_all);
        const std::string key = keys.key("new/server.secret");
        CHECK((server.output() + server.errors()).find(key) == std::string::npos);
    }
    for (const auto others : {0640U, 0604U, 0620U}) {
        REQUIRE(chmod(secret.c_str(), others) == 0);
        fails(own, secret);
    }
}

TEST_CASE("curve-req-rep: a file without a key is named", "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    keys.make_server_keys();
    const std::string file = keys.at("bad.secret"), key = keys.key("server.secret");
    const std::string nowhere = "tcp://127.0.0.1:1", none = keys.at("none");
    for (const std::string& text :
         {std::string(), key.substr(1), key + std::string(1, '\0'), key + "x", key + "\n" + key,
          key.substr(1) + " ", key.substr(1) + std::string(1, '\0')}) {
        INFO(text);
        std::ofstream(file) << text;
        REQUIRE(chmod(file.c_str(), 0600) == 0);
        fails(keys.server(" --key " + keys.at("bad")), file);
        fails(keys.client(nowhere, " --server " + file), file);
    }
    fails(keys.client(nowhere, " --server " + none), none);
    fails(keys.server(" --key " + none + "/none/server"), none + "/none");
    CHECK(!fs::exists(none));
}

TEST_CASE("curve-req-rep: a missing public key is made again, and one of another pair is an error",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    keys.make_server_keys();
    const std::string file = keys.at("server.public"), made = keys.key("server.public");
    fs::remove(file);
    keys.make_server_keys();
    CHECK(keys.key("server.public") == made);
    keys.are_served(Process(keys.server()).endpoint());
    fs::copy_file(keys.at("client.public"), file, fs::copy_options::overwrite_existing);
    fails(keys.server(), file);
    CHECK(keys.key("server.public") == keys.key("client.public"));
}
