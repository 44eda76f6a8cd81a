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

/// The arguments of the two programs, with their keys in a folder.
struct Keys {
    Folder folder;
    Lines server(const Lines& more = {}) const {
        return with({"--bind", any_port, "--key", folder.path("server"), "--allow",
                     folder.path("client.public")},
                    more);
    }
    Lines client(const std::string& endpoint, const Lines& more = {}) const {
        return with({"--connect", endpoint, "--key", folder.path("client"), "--server",
                     folder.path("server.public"), "--count", "2"},
                    more);
    }
    std::string key(const std::string& name) const {
        return lines_of(read_file(folder.path(name))).at(0);
    }
    /// Makes the server's keys, for a test without a server.
    void make_server_keys() const { Process("curve-req-rep/server", server()).endpoint(); }

    void are_served(const std::string& endpoint, const Lines& more = {}) const {
        Process client_process("curve-req-rep/client", client(endpoint, more));
        CHECK(client_process.wait() == 0);
        CHECK(client_process.output() == "received World\nreceived World\n2 replies\n");
        CHECK(client_process.errors().empty());
    }

 private:
    static Lines with(Lines words, const Lines& more) {
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }
};

/// The client ends with an error that has a hint, before any reply. Returns its first line.
std::string is_not_served(const Lines& arguments) {
    Process client("curve-req-rep/client", arguments);
    CHECK(client.wait() == 1);
    CHECK(client.output() == "");
    const auto lines = lines_of(client.errors());
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].rfind("client: ", 0) == 0);
    CHECK(lines[1].rfind("hint: ", 0) == 0);
    return lines[0];
}

}  // namespace

TEST_CASE("curve-req-rep: with the defaults the programs make keys once and find them",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Folder folder;
    const auto there = [&folder](const std::string& words) {
        return Lines{"-c",
                     "cd " + folder.path("") + " && exec " BINARY_DIR "/curve-req-rep/" + words};
    };
    std::string made;
    for (int run = 0; run < 2; ++run) {
        Process server("/bin/sh", there("server --bind " + any_port));
        Process client("/bin/sh", there("client --connect " + server.endpoint()));
        CHECK(client.wait() == 0);
        CHECK(client.last_line() == "10 replies");
        CHECK(server.stop(SIGINT) == 128 + SIGINT);
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
        const std::string folder = secure ? "curve-req-rep" : "req-rep";
        Process server(folder + "/server", secure ? keys.server() : Lines{"--bind", any_port});
        Relay network(server.endpoint());
        Process client(folder + "/client", secure ? keys.client(network.endpoint())
                                                  : Lines{"--connect", network.endpoint()});
        CHECK(client.wait() == 0);
        const std::string bytes = network.bytes();
        CHECK(bytes.size() > 200);
        CHECK((bytes.find("Hello") == std::string::npos) == secure);
        CHECK((bytes.find("World") == std::string::npos) == secure);
    }
}

TEST_CASE("curve-req-rep: a reply that was changed on the way is not printed", "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    Process server("curve-req-rep/server", keys.server());
    Relay network(server.endpoint());
    Process client("curve-req-rep/client", keys.client(network.endpoint(), {"--count", "0"}));
    client.wait_for("received World");
    network.change();
    CHECK(client.wait() == 1);
    const auto lines = client.lines();
    CHECK(std::count(lines.begin(), lines.end(), "received World") ==
          static_cast<int>(lines.size()) - 1);
    CHECK(lines.back().find(" repl") != std::string::npos);  // counted before the error
}

TEST_CASE("curve-req-rep: a server serves the clients whose keys it knows, and no others",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    const std::string allowed = keys.folder.path("client.public");
    Process server("curve-req-rep/server", keys.server({"--allow", keys.folder.path("b.public")}));
    const std::string endpoint = server.endpoint();
    const Lines b{"--key", keys.folder.path("b")}, stranger{"--key", keys.folder.path("stranger")};
    keys.are_served(endpoint);
    keys.are_served(endpoint, b);
    CHECK(is_not_served(keys.client(endpoint, stranger)).find("400") != std::string::npos);
    server.wait_for_error("refused a client at 127.0.0.1, key " + keys.key("stranger.public"));
    is_not_served(keys.client(endpoint, {"--server", allowed}));  // another server's key
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
    fs::copy_file(keys.folder.path("stranger.public"), allowed,
                  fs::copy_options::overwrite_existing);
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
    const auto ended = [](int times) { return Lines(static_cast<size_t>(times)); };
    Process server("curve-req-rep/server", keys.server());
    const std::string endpoint = server.endpoint();
    keys.are_served(Relay(endpoint, ended(0)).endpoint());
    const Relay twice(endpoint, ended(2));
    keys.are_served(twice.endpoint());
    const Relay thrice(endpoint, ended(3));
    is_not_served(keys.client(thrice.endpoint()));
    // A handshake that succeeds begins the count anew.
    Relay network(endpoint, ended(2));
    Process client("curve-req-rep/client", keys.client(network.endpoint(), {"--count", "0"}));
    client.wait_for("received World");
    CHECK(client.stop(SIGINT) == 128 + SIGINT);
}

TEST_CASE("curve-req-rep: a secret key is readable by its owner only, and is not printed",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    const std::string secret = keys.folder.path("new/server.secret");
    const Lines own{"--key", keys.folder.path("new/server")};
    {
        Process server("/bin/sh", {"-c", "umask 0; exec \"$0\" --bind \"$1\" --key \"$2\"",
                                   BINARY_DIR "/curve-req-rep/server", any_port, own[1]});
        server.endpoint();
        CHECK(server.stop(SIGINT) == 128 + SIGINT);
        CHECK(fs::status(secret).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
        CHECK(fs::status(keys.folder.path("new")).permissions() == fs::perms::owner_all);
        const std::string key = keys.key("new/server.secret");
        CHECK((server.output() + server.errors()).find(key) == std::string::npos);
    }
    for (const auto others : {0640U, 0604U, 0620U}) {
        REQUIRE(chmod(secret.c_str(), others) == 0);
        Process server("curve-req-rep/server", keys.server(own));
        CHECK(server.wait() == 1);
        CHECK(server.output().empty());
        CHECK(server.errors().find(secret) != std::string::npos);
    }
}

TEST_CASE("curve-req-rep: a file without a key is named", "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    keys.make_server_keys();
    const std::string file = keys.folder.path("bad.secret"), key = keys.key("server.secret");
    const auto names = [](const std::string& program, const Lines& arguments,
                          const std::string& what) {
        Process process("curve-req-rep/" + program, arguments);
        CHECK(process.wait() == 1);
        CHECK(process.output().empty());
        CHECK(process.errors().find(what) != std::string::npos);
    };
    const std::string nowhere = "tcp://127.0.0.1:1", none = keys.folder.path("none");
    for (const std::string& text :
         {std::string(), key.substr(1), key + std::string(1, '\0'), key + "x", key + "\n" + key,
          key.substr(1) + " ", key.substr(1) + std::string(1, '\0')}) {
        INFO(text);
        std::ofstream(file) << text;
        REQUIRE(chmod(file.c_str(), 0600) == 0);
        names("server", keys.server({"--key", keys.folder.path("bad")}), file);
        names("client", keys.client(nowhere, {"--server", file}), file);
    }
    names("client", keys.client(nowhere, {"--server", none}), none);
    names("server", keys.server({"--key", none + "/none/server"}), none + "/none");
    CHECK(!fs::exists(none));
}

TEST_CASE("curve-req-rep: a missing public key is made again, and one of another pair is an error",
          "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    keys.make_server_keys();
    const std::string file = keys.folder.path("server.public"), made = keys.key("server.public");
    fs::remove(file);
    keys.make_server_keys();
    CHECK(keys.key("server.public") == made);
    keys.are_served(Process("curve-req-rep/server", keys.server()).endpoint());
    fs::copy_file(keys.folder.path("client.public"), file, fs::copy_options::overwrite_existing);
    Process server("curve-req-rep/server", keys.server());
    CHECK(server.wait() == 1);
    CHECK(server.errors().find(file) != std::string::npos);
    CHECK(keys.key("server.public") == keys.key("client.public"));
}

TEST_CASE("curve-req-rep: programs that start at once agree on one key pair", "[curve-req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    std::deque<Process> servers;
    for (int n = 0; n < 8; ++n) servers.emplace_back("curve-req-rep/server", keys.server());
    for (auto& server : servers) keys.are_served(server.endpoint());
}
