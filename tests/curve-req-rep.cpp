// The secure pair of req-rep: who is served, who is not, and what is said about it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"

namespace {

using Words = std::vector<std::string>;

bool no_curve() {
    if (zmq_has("curve") == 1) return false;
    std::puts("req-rep: skipped: this libzmq was built without CURVE");
    return true;
}

/// Two programs whose keys are in a folder of their own.
struct Keys {
    Folder folder;
    Words server(const Words& more = {}) const {
        return with({"--bind", any_port, "--key", folder.path("server"), "--allow",
                     folder.path("client.public")},
                    more);
    }
    Words client(const std::string& endpoint, const Words& more = {"--count", "2"}) const {
        return with({"--connect", endpoint, "--key", folder.path("client"), "--server",
                     folder.path("server.public")},
                    more);
    }
    std::string key(const std::string& name) const {
        return lines_of(read_file(folder.path(name))).at(0);
    }

 private:
    static Words with(Words words, const Words& more) {
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }
};

/// The client that is allowed gets its replies.
void is_served(const Keys& keys, const std::string& endpoint) {
    Process client("req-rep/secure-client", keys.client(endpoint));
    CHECK(client.wait() == 0);
    CHECK(client.output() == "received World\nreceived World\n2 replies\n");
    CHECK(client.errors().empty());
}

/// It gets none, and says why.
void is_not_served(const Words& arguments, const std::vector<std::string>& one_of) {
    Process client("req-rep/secure-client", arguments);
    CHECK(client.wait() == 1);
    CHECK(client.output() == "");
    const auto lines = lines_of(client.errors());
    REQUIRE(lines.size() == 2);
    INFO(client.errors());
    CHECK(std::any_of(one_of.begin(), one_of.end(), [&lines, &arguments](const auto& reason) {
        return lines[0] == "secure-client: handshake " + arguments.at(1) + ": " + reason;
    }));
}

const std::string refused = "refused, ZAP status 400",
                  no_curve_there = "the server does not use CURVE",
                  closed = "closed by the server three times, without a reason";

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int port_of(const std::string& endpoint) {
    return std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
}

/// A TCP socket that the programs do not inherit.
int tcp() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
    return fd;
}

/// A port where connections are taken by hand.
class Listener {
 public:
    explicit Listener(int port = 0) : fd_(tcp()) {
        sockaddr_in here = loopback(port);
        socklen_t size = sizeof here;
        const int on = 1;  // another one had the port a moment ago, or will have it
        REQUIRE(setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
        const timeval limit{deadline.count(), 0};  // of each take()
        REQUIRE(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
        REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0);
        REQUIRE(listen(fd_, 5) == 0);
        REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size) == 0);
        endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(here.sin_port));
    }
    ~Listener() { close(fd_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    int take() const { return accept(fd_, nullptr, nullptr); }
    void stop() const { shutdown(fd_, SHUT_RDWR); }
    std::string endpoint() const { return endpoint_; }

 private:
    const int fd_;
    std::string endpoint_;
};

/// Passes on the bytes of one connection, and keeps them.
class Relay {
 public:
    explicit Relay(const std::string& to) : server_(tcp()) {
        const sockaddr_in there = loopback(port_of(to));
        REQUIRE(connect(server_, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0);
        thread_ = std::thread([this] { pass_on(); });
    }
    ~Relay() {
        end();
        close(server_);
    }
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    std::string endpoint() const { return listener_.endpoint(); }
    /// From here on what the server sends arrives with its last byte changed.
    void change() { change_ = true; }
    /// All that has passed, after an end of the connection.
    std::string bytes() {
        end();
        return bytes_;
    }

 private:
    void end() {
        shutdown(server_, SHUT_RDWR);
        listener_.stop();
        if (thread_.joinable()) thread_.join();
    }
    void pass_on() {
        const int client = listener_.take();
        pollfd ends[] = {{client, POLLIN, 0}, {server_, POLLIN, 0}};
        for (bool open = client != -1; open && poll(ends, 2, -1) > 0;)
            for (const int from : {0, 1}) {
                if (ends[from].revents == 0 || !open) continue;
                char buffer[65536];
                const ssize_t size = read(ends[from].fd, buffer, sizeof buffer);
                open = size > 0;
                if (!open) continue;
                bytes_.append(buffer, static_cast<size_t>(size));
                if (from == 1 && change_) buffer[size - 1] ^= 1;
                open = send(ends[1 - from].fd, buffer, static_cast<size_t>(size), MSG_NOSIGNAL) ==
                       size;
            }
        if (client != -1) close(client);
    }

    const Listener listener_;
    const int server_;
    std::string bytes_;
    std::atomic<bool> change_ = false;
    std::thread thread_;
};

}  // namespace

TEST_CASE("req-rep: the secure pair with its defaults makes keys, once, and finds them",
          "[req-rep]") {
    if (no_curve()) return;
    const Folder folder;
    const auto there = [&folder](const std::string& program, const Words& arguments) {
        Words words{"-c", "cd \"$0\" && exec \"$@\"", folder.path(""), BINARY_DIR "/" + program};
        words.insert(words.end(), arguments.begin(), arguments.end());
        return std::make_unique<Process>("/bin/sh", words);
    };
    std::string made;
    for (int run = 0; run < 2; ++run) {
        const auto server = there("req-rep/secure-server", {"--bind", any_port, "--count", "10"});
        const auto client = there("req-rep/secure-client", {"--connect", server->endpoint()});
        CHECK(client->wait() == 0);
        CHECK(client->last_line() == "10 replies");
        CHECK(server->wait() == 0);
        CHECK(server->last_line() == "10 requests");
        CHECK((server->errors() + client->errors()).empty());
        std::string keys;
        for (const std::string name :
             {"server.secret", "server.public", "client.secret", "client.public"})
            keys += read_file(folder.path("keys/" + name));
        if (run == 1) CHECK(keys == made);
        made = keys;
    }
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path("keys")), {}) == 4);
}

TEST_CASE("req-rep: what the secure pair says cannot be read on the way", "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    for (const bool secure : {false, true}) {
        const std::string name = secure ? "secure-" : "";
        Process server("req-rep/" + name + "server",
                       secure ? keys.server() : Words{"--bind", any_port});
        Relay relay(server.endpoint());
        Process client("req-rep/" + name + "client", secure ? keys.client(relay.endpoint())
                                                            : Words{"--connect", relay.endpoint()});
        CHECK(client.wait() == 0);
        const std::string bytes = relay.bytes();
        CHECK(bytes.size() > 200);
        CHECK((bytes.find("Hello") == std::string::npos) == secure);
        CHECK((bytes.find("World") == std::string::npos) == secure);
    }
}

TEST_CASE("req-rep: a secure client notices a reply that was changed on the way", "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    Process server("req-rep/secure-server", keys.server());
    Relay relay(server.endpoint());
    Process client("req-rep/secure-client", keys.client(relay.endpoint(), {"--count", "0"}));
    client.wait_for("received World");
    relay.change();
    CHECK(client.wait() == 1);
    CHECK(client.errors() == "secure-client: handshake " + relay.endpoint() +
                                 ": ZMTP protocol error 0x11000001\n"
                                 "what came is not from that server, or was changed on the way\n");
    for (const auto& line : client.lines())
        CHECK((line == "received World" || line == client.last_line()));
}

TEST_CASE("req-rep: a client whose key is not allowed is refused and named until it is allowed",
          "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    Process server("req-rep/secure-server", keys.server());
    const std::string endpoint = server.endpoint();
    const Words stranger{"--key", keys.folder.path("stranger")};
    is_not_served(keys.client(endpoint, stranger), {refused});
    CHECK(server.wait_for_error("refused") ==
          "secure-server: refused a client at 127.0.0.1: its key is not allowed: " +
              keys.key("stranger.public"));
    is_served(keys, endpoint);
    // A file that makes no sense lets nobody in, and is named; the server goes on.
    std::ofstream(keys.folder.path("client.public")) << "nonsense\n";
    is_not_served(keys.client(endpoint, stranger), {refused});
    server.wait_for_error("left out: " + keys.folder.path("client.public") + ": not a CURVE key");
    std::filesystem::copy_file(keys.folder.path("stranger.public"),
                               keys.folder.path("client.public"),
                               std::filesystem::copy_options::overwrite_existing);
    Process now("req-rep/secure-client", keys.client(endpoint, {"--key", stranger[1]}));
    CHECK(now.wait() == 0);
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.last_line() == "12 requests");
}

TEST_CASE("req-rep: each file of --allow lets its client in", "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    Process server("req-rep/secure-server", keys.server({"--allow", keys.folder.path("b.public")}));
    const std::string endpoint = server.endpoint();
    is_served(keys, endpoint);
    Process b("req-rep/secure-client", keys.client(endpoint, {"--key", keys.folder.path("b")}));
    CHECK(b.wait() == 0);
}

TEST_CASE("req-rep: a secure client does not talk to a server with another key", "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    Process server("req-rep/secure-server", keys.server());
    const std::string endpoint = server.endpoint();
    is_served(keys, endpoint);
    is_not_served(keys.client(endpoint, {"--server", keys.folder.path("client.public")}), {closed});
    is_served(keys, endpoint);
}

TEST_CASE("req-rep: a client without keys gets nothing, and the next good one is served",
          "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    Process server("req-rep/secure-server", keys.server());
    const std::string endpoint = server.endpoint();
    // Either side may be the first to see that the other's mechanism is not its own.
    Peer plain(ZMQ_REQ);
    plain.connect_until(endpoint,
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    RawPeer first(endpoint);  // as ZMTP 1 has it: an empty identity, a delimiter, Hello
    first.send(std::string("\1\0\1\1\6\0Hello", 11));
    first.wait_for_end();
    RawPeer web(endpoint);
    web.send("GET / HTTP/1.1\r\n\r\n");
    web.wait_for_end();
    RawPeer silent(endpoint);
    is_served(keys, endpoint);
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.output() ==
          "listening on " + endpoint + "\nreceived Hello\nreceived Hello\n2 requests\n");
    CHECK(server.errors() == "interrupted\n");
}

TEST_CASE("req-rep: a secure client asks nothing of a server without keys, and says why",
          "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    {
        Process makes_keys("req-rep/secure-server", keys.server());
        makes_keys.endpoint();
    }
    Process server("req-rep/server", {"--bind", any_port});
    is_not_served(keys.client(server.endpoint()), {no_curve_there, closed});
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.last_line() == "0 requests");

    Peer web(ZMQ_STREAM);
    web.bind(any_port);
    Process client("req-rep/secure-client", keys.client(web.endpoint()));
    const std::string id = web.receive().at(0);  // and an empty frame: it is connected
    web.send({id, "HTTP/1.1 400 Bad Request\r\n\r\n"});
    CHECK(client.wait() == 1);
    CHECK(client.errors() == "secure-client: handshake " + web.endpoint() +
                                 ": what answers does not speak ZMTP 3\n"
                                 "connect to a secure-server\n");
}

TEST_CASE("req-rep: a secure client tries again after a connection that ends in the handshake",
          "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    {
        Process makes_keys("req-rep/secure-server", keys.server());
        makes_keys.endpoint();
    }
    auto listener = std::make_unique<Listener>();
    const std::string endpoint = listener->endpoint();
    Process client("req-rep/secure-client", keys.client(endpoint, {"--count", "0"}));
    close(listener->take());
    const int second = listener->take();
    listener.reset();  // the next try finds nobody, and one after that the server
    close(second);
    {
        Process server("req-rep/secure-server", keys.server({"--bind", endpoint}));
        client.wait_for("received World");
        server.stop(SIGKILL);
    }
    // A handshake has succeeded: it is twice again, and not the third time.
    listener = std::make_unique<Listener>(port_of(endpoint));
    for (int n = 0; n < 2; ++n) close(listener->take());
    const int third = listener->take();
    CHECK(client.stop(SIGINT) == 0);
    CHECK(client.errors() == "interrupted\n");
    close(third);
}

TEST_CASE("req-rep: a secret key is for its owner only and is shown to nobody", "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    const std::string secret = keys.folder.path("new/server.secret");
    const Words own{"--key", keys.folder.path("new/server")};
    const auto mode = [](const std::string& path) {
        struct stat status = {};
        REQUIRE(stat(path.c_str(), &status) == 0);
        return status.st_mode & 0777;
    };
    {
        Process server("/bin/sh", {"-c", "umask 0; exec \"$0\" --bind \"$1\" --key \"$2\"",
                                   BINARY_DIR "/req-rep/secure-server", any_port, own[1]});
        server.endpoint();
        CHECK(server.stop(SIGINT) == 0);
        CHECK(mode(secret) == 0600);
        CHECK(mode(keys.folder.path("new")) == 0700);
        const std::string key = keys.key("new/server.secret");
        CHECK((server.output() + server.errors()).find(key) == std::string::npos);
    }
    for (const unsigned others : {0640U, 0604U, 0620U}) {
        REQUIRE(chmod(secret.c_str(), others) == 0);
        Process server("req-rep/secure-server", keys.server(own));
        CHECK(server.wait() == 1);
        CHECK(server.output().empty());
        CHECK(lines_of(server.errors()).at(0) ==
              "secure-server: " + secret + ": others may read this secret key");
    }
}

TEST_CASE("req-rep: a file that has no key is named", "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    {
        Process makes_keys("req-rep/secure-server", keys.server());
        makes_keys.endpoint();
    }
    const std::string file = keys.folder.path("bad.secret"), key = keys.key("server.secret");
    const auto says = [&keys](const std::string& program, const Words& more,
                              const std::string& what) {
        Process process("req-rep/" + program, program == "secure-client"
                                                  ? keys.client("tcp://127.0.0.1:1", more)
                                                  : keys.server(more));
        CHECK(process.wait() == 1);
        CHECK(process.output().empty());
        CHECK(lines_of(process.errors()).at(0) == program + ": " + what);
    };
    for (const std::string& text :
         {std::string(), std::string("\n"), key.substr(1), key.substr(5),
          key.substr(5) + std::string(5, '\0'), key + std::string(1, '\0'), key + "x",
          key + "\n" + key, key.substr(1) + " ", key.substr(1) + std::string(1, '\0'),
          key.substr(1) + "\xff"}) {
        INFO(text);
        std::ofstream(file) << text;
        REQUIRE(chmod(file.c_str(), 0600) == 0);
        const std::string what = file + ": not a CURVE key, which is one line of 40 characters";
        for (const std::string program : {"secure-server", "secure-client"})
            says(program, {"--key", keys.folder.path("bad")}, what);
        says("secure-client", {"--server", file}, what);
    }
    const std::string none = keys.folder.path("none");
    says("secure-client", {"--server", none}, "--server " + none + ": No such file or directory");
    says("secure-server", {"--key", none + "/none/server"},
         "mkdir " + none + "/none: No such file or directory");
    CHECK(!std::filesystem::exists(none));
}

TEST_CASE("req-rep: a public key that is missing or of another pair is made again", "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    const std::string file = keys.folder.path("server.public");
    char other[41], secret[41];
    REQUIRE(zmq_curve_keypair(other, secret) == 0);
    std::string first;
    for (const std::string& before : {std::string(), std::string(other), std::string()}) {
        std::filesystem::remove(file);
        if (!before.empty()) std::ofstream(file) << before << "\n";
        Process server("req-rep/secure-server", keys.server());
        const std::string endpoint = server.endpoint();
        if (first.empty()) first = keys.key("server.public");
        CHECK(keys.key("server.public") == first);
        is_served(keys, endpoint);
    }
}

TEST_CASE("req-rep: programs that start at once agree on one key pair", "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    std::vector<std::unique_ptr<Process>> servers;
    for (int n = 0; n < 8; ++n)
        servers.push_back(std::make_unique<Process>("req-rep/secure-server", keys.server()));
    std::vector<std::string> endpoints;
    for (const auto& server : servers) endpoints.push_back(server->endpoint());
    for (const auto& endpoint : endpoints) is_served(keys, endpoint);
}

TEST_CASE("req-rep: where libzmq has no CURVE the secure pair says so", "[req-rep]") {
    const Keys keys;
    for (const std::string program : {"secure-server", "secure-client"}) {
        Process process("tests/no-curve/req-rep/" + program, {"--key", keys.folder.path("own")});
        CHECK(process.wait() == 1);
        CHECK(process.output().empty());
        CHECK(process.errors() ==
              program +
                  ": this libzmq was built without CURVE\n"
                  "install one that was built with libsodium: see zmq_curve(7)\n");
    }
    CHECK(!std::filesystem::exists(keys.folder.path("own.secret")));
}

TEST_CASE("req-rep: Ctrl-C ends the secure pair in the middle of traffic", "[req-rep]") {
    if (no_curve()) return;
    const Keys keys;
    Process server("req-rep/secure-server", keys.server());
    Process client("req-rep/secure-client", keys.client(server.endpoint(), {"--count", "0"}));
    client.wait_for("received World");
    CHECK(server.stop(SIGTERM) == 0);
    CHECK(server.errors() == "interrupted\n");
    CHECK(client.stop(SIGINT) == 0);
    CHECK(client.errors() == "interrupted\n");
}
