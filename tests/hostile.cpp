// What odd and hostile peers do to the programs: nothing. For each program that binds, each kind of
// bad peer comes to each of its endpoints; then the next good peer is served, and neither memory
// nor descriptors are gone.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "programs.hpp"

namespace {

using namespace std::string_literals;

/// A TCP connection that does not mind being thrown out.
class Raw {
 public:
    explicit Raw(const std::string& endpoint) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port =
            htons(static_cast<uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{deadline.count(), 0};
        REQUIRE(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
        REQUIRE(setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0);
        REQUIRE(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    ~Raw() { close(fd_); }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;
    /// False when the other side has closed the connection meanwhile.
    bool send(const std::string& bytes) {
        for (size_t sent = 0; sent < bytes.size();) {
            const auto n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (n == -1) return REQUIRE_gone(), false;
            sent += static_cast<size_t>(n);
        }
        return true;
    }
    /// As many bytes as there are, at most so many; none when the other side has closed.
    std::string receive(size_t most) {
        std::string bytes(most, '\0');
        const auto n = recv(fd_, bytes.data(), most, 0);
        if (n == -1) REQUIRE_gone();
        bytes.resize(n == -1 ? 0 : static_cast<size_t>(n));
        return bytes;
    }
    /// Reads until the other side has closed; fails at the deadline.
    void wait_for_end() {
        while (!receive(4096).empty()) {
        }
    }

 private:
    static void REQUIRE_gone() { REQUIRE((errno == ECONNRESET || errno == EPIPE)); }
    const int fd_;
};

const std::string greeting = "\xff\0\0\0\0\0\0\0\0\x7f\3\0NULL"s + std::string(16 + 1 + 31, '\0');

/// What a ZMTP 3 peer of that socket type says before its first message.
std::string handshake(const std::string& type) {
    const std::string ready =
        "\5READY\13Socket-Type\0\0\0"s + static_cast<char>(type.size()) + type;
    return greeting + "\4"s + static_cast<char>(ready.size()) + ready;
}

/// Goes through the handshake; false where the other side has thrown it out, since it wants another
/// mechanism. A frame in one segment with all that would have libzmq throw it out, too.
bool shake_hands(Raw& peer, const std::string& type) {
    peer.send(handshake(type));
    for (std::string said; said.find("Socket-Type") == said.npos;) {
        const std::string bytes = peer.receive(4096);
        if (bytes.empty()) return false;
        said += bytes;
    }
    return true;
}

/// The header of a frame: flags, and its size in eight bytes.
std::string header(std::uint64_t size, bool more = false) {
    std::string bytes(1, more ? '\3' : '\2');
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>((size >> shift) & 0xff);
    return bytes;
}

std::string frame(const std::string& body, bool more = false) {
    return header(body.size(), more) + body;
}

/// The type of a peer that this one talks to: "REP binds" is for a REQ.
std::string fitting(const std::string& socket) {
    const std::string type = socket.substr(0, socket.find(' '));
    if (type == "REP") return "REQ";
    if (type == "PUB" || type == "XPUB") return "SUB";
    if (type == "PUSH") return "PULL";
    if (type == "PULL") return "PUSH";
    if (type == "ROUTER") return "DEALER";
    return "REP";  // of a DEALER
}

/// One program that binds, with endpoints of its own.
struct Target {
    const Program& program;
    Folder folder;
    std::unique_ptr<Process> process;
    std::map<std::string, std::string> endpoints;  // of what it binds, by their options

    explicit Target(const Program& which) : program(which) {
        Lines arguments = own_endpoints(program, folder);
        const auto more = [&arguments](const Lines& words) {
            arguments.insert(arguments.end(), words.begin(), words.end());
        };
        if (program.path == "push-pull2/sinker") more({"--senders", "1"});
        if (program.name() == "sender") more({"--count", "3"});
        if (program.path == "sync-pub-sub/publisher") more({"--subscribers", "1"});
        if (program.name() == "publisher" && !program.finite) more({"--interval", "1"});
        if (has_keys(program)) {
            char public_key[41];
            REQUIRE(zmq_curve_keypair(public_key, secret_key) == 0);
            client_key = public_key;
            std::ofstream(folder.path("client.public")) << client_key << "\n";
            more({"--allow", folder.path("client.public")});
        }
        process = std::make_unique<Process>(program.path, arguments);
        for (const auto& endpoint : program.endpoints)
            if (endpoint.binds()) endpoints[endpoint.option] = process->endpoint();
    }
    char secret_key[41] = "";
    std::string client_key;

    size_t descriptors() const {
        const auto folder_of = "/proc/" + std::to_string(process->id()) + "/fd";
        return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_of),
                                                 std::filesystem::directory_iterator()));
    }
    /// The most memory it has ever used, in MB.
    int memory() const {
        std::ifstream in("/proc/" + std::to_string(process->id()) + "/status");
        for (std::string word; in >> word;)
            if (word == "VmHWM:") {
                int kb = 0;
                in >> kb;
                return kb / 1024;
            }
        throw std::runtime_error("no VmHWM");
    }
    /// Waits until there are no more than so many.
    bool descriptors_are_back(size_t most) const {
        const auto until = std::chrono::steady_clock::now() + deadline;
        while (descriptors() > most)
            if (std::chrono::steady_clock::now() > until) return false;
        return true;
    }
    /// The next good peer is served, and the program ends as it should.
    void serve_and_end();
    std::string at(const std::string& option) const { return endpoints.at(option); }
};

/// A request and its reply, asked again on a new connection where the reply does not come: a REP of
/// libzmq may lose one after an odd peer.
void ask(const std::function<void(Peer&)>& set_up, const std::string& endpoint,
         const std::string& expected) {
    for (int life = 0; life < 5; ++life) {
        Peer client(ZMQ_REQ);
        set_up(client);
        client.set(ZMQ_RCVTIMEO, 2000).connect(endpoint);
        client.send({"Hello"});
        char reply[16];
        const int size = zmq_recv(client.get(), reply, sizeof reply, 0);
        if (size == -1) continue;
        CHECK(std::string(reply, static_cast<size_t>(size)) == expected);
        return;
    }
    FAIL("no reply");
}

void Target::serve_and_end() {
    const std::string& path = program.path;
    const auto plain = [](Peer&) {};
    if (endpoints.count("frontend") == 1) {  // the proxies
        Process server("ex-req-rep/server", {"--connect", at("backend")});
        ask(plain, at("frontend"), "World");
    } else if (path == "pub-sub/publisher" || path == "pub-sub-envelope/publisher") {
        Peer subscriber(ZMQ_SUB);
        subscriber.subscribe("").connect(at("bind"));
        CHECK(!subscriber.receive().empty());
    } else if (program.name() == "sender") {
        Peer worker(ZMQ_PULL), sinker(ZMQ_PULL);
        sinker.bind(folder.endpoint("nobody"));
        worker.connect(at("bind"));
        const std::string name = path == "push-pull2/sender" ? " a" : "";
        for (const std::string number : {"1", "2", "3"})
            CHECK(worker.receive() == Lines{number + name});
        CHECK(sinker.receive().at(0) == "expect");
    } else if (path == "push-pull/sinker") {
        Peer worker(ZMQ_PUSH);
        worker.connect(at("bind"));
        worker.send({"expect", "1"});
        worker.send({"1"});
        CHECK(process->wait() == 0);
    } else if (path == "push-pull2/sinker") {
        Peer worker(ZMQ_PUSH), signals(ZMQ_SUB);
        worker.connect(at("bind"));
        signals.subscribe("").connect(at("control"));
        CHECK(signals.receive() == Lines{"READY"});
        worker.send({"expect", "a", "1", "0", "1"});
        worker.send({"1 a"});
        while (signals.receive() != Lines{"STOP"}) {
        }
        CHECK(process->wait() == 0);
    } else if (path == "sync-pub-sub/publisher") {
        // These replies may be lost. When several have come, what the bad peers sent has been read,
        // and the subscriber's, which asks once, is not lost.
        for (int n = 0; n < 5; ++n) ask(plain, at("sync"), "again");
        Process subscriber("sync-pub-sub/subscriber",
                           {"--connect", at("bind"), "--sync", at("sync")});
        CHECK(subscriber.wait() == 0);
        CHECK(subscriber.last_line() == "10 updates");
    } else if (has_keys(program)) {
        const std::string server_key = lines_of(read_file(folder.path("own.public"))).at(0);
        ask(
            [&](Peer& client) {
                const auto set = [&client](int option, const std::string& key) {
                    REQUIRE(zmq_setsockopt(client.get(), option, key.data(), key.size()) == 0);
                };
                set(ZMQ_CURVE_SERVERKEY, server_key);
                set(ZMQ_CURVE_PUBLICKEY, client_key);
                set(ZMQ_CURVE_SECRETKEY, secret_key);
            },
            at("bind"), "World");
    } else {
        ask(plain, at("bind"), "World");
    }
    if (program.finite)
        CHECK(process->wait() == 0);
    else
        CHECK(process->stop(SIGINT) == 0);
}

/// Every program that binds a network endpoint, started, to be treated badly by `abuse` at each of
/// its endpoints. With `takes_part`, the peer goes through the handshake; to a sender it would be a
/// worker then, so those are left out.
void every_target(bool takes_part, const std::function<void(Target&, const std::string& endpoint,
                                                            const std::string& type)>& abuse) {
    for (const auto& program : programs()) {
        if (!binds(program) || (takes_part && program.name() == "sender")) continue;
        INFO(program.path);
        Target target(program);
        for (const auto& endpoint : program.endpoints)
            if (endpoint.binds())
                abuse(target, target.at(endpoint.option), fitting(endpoint.socket));
        CHECK(target.memory() < 120);
        target.serve_and_end();
    }
}

std::string random_bytes(size_t size) {
    static std::mt19937 random(20261123);
    std::string bytes;
    while (bytes.size() < size) bytes += static_cast<char>(random());
    return bytes;
}

}  // namespace

TEST_CASE("hostile: what does not speak ZeroMQ harms nobody", "[hostile]") {
    std::deque<Raw> held;
    every_target(false, [&held](Target&, const std::string& endpoint, const std::string&) {
        for (const size_t size : {1U, 11U, 64U, 65536U}) {
            Raw noise(endpoint);
            noise.send(random_bytes(size));
        }
        Raw(endpoint).send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        held.emplace_back(endpoint).send(greeting.substr(0, 32));  // and stays
        held.emplace_back(endpoint);
    });
}

TEST_CASE("hostile: a peer of the wrong socket type harms nobody", "[hostile]") {
    every_target(false, [](Target&, const std::string& endpoint, const std::string&) {
        Raw odd(endpoint);
        odd.send(handshake("PAIR"));
        odd.wait_for_end();
        Raw none(endpoint);
        none.send(handshake("NOTHING"));
        none.wait_for_end();
    });
}

TEST_CASE("hostile: messages that nobody expects harm nobody", "[hostile]") {
    every_target(true, [](Target&, const std::string& endpoint, const std::string& type) {
        Raw peer(endpoint);
        std::string many;
        for (int n = 0; n < 1000; ++n) many += frame("frame", true);
        const auto says = [&](const std::string& bytes) {
            // Where it is thrown out for that, it comes again.
            if (peer.send(bytes)) return;
            Raw again(endpoint);
            shake_hands(again, type);
            again.send(bytes);
        };
        shake_hands(peer, type);
        says(frame(""));
        says(frame(std::string("\0\xff\n\x1b[31m", 8)));
        says(frame("no delimiter", true) + frame("before this"));
        says(frame("", true) + frame("", true) + frame("", true) + frame(""));
        says(many + frame("the last"));
        // A server shows each request: a megabyte is shown cut, and named with its size.
        says(frame("", true) + frame(std::string(1 << 20, 'x')));
        says(frame(std::string(1 << 20, '\0')));
        Raw leaves(endpoint);
        shake_hands(leaves, type);
        leaves.send(header(1000) + "Hel");
    });
}

TEST_CASE("hostile: messages of random frames harm nobody", "[hostile]") {
    const int many = std::getenv("SOAK") == nullptr ? 200 : 20000;
    std::mt19937 random(20261126);
    const auto up_to = [&random](unsigned most) {
        return std::uniform_int_distribution<unsigned>(0, most)(random);
    };
    every_target(true, [&](Target&, const std::string& endpoint, const std::string& type) {
        auto peer = std::make_unique<Raw>(endpoint);
        shake_hands(*peer, type);
        for (int n = 0; n < many; ++n) {
            std::string bytes;
            for (unsigned frames = up_to(5); frames > 0; --frames)
                bytes += frame(up_to(3) == 0 ? "" : random_bytes(2 + up_to(60)), true);
            bytes += frame(random_bytes(2 + up_to(60)));
            if (peer->send(bytes)) continue;
            peer = std::make_unique<Raw>(endpoint);  // thrown out for that, it comes again
            shake_hands(*peer, type);
        }
    });
}

TEST_CASE("hostile: a sinker ends while connections come and are thrown out", "[hostile]") {
    for (int trials = std::getenv("SOAK") == nullptr ? 5 : 500; trials > 0; --trials)
        for (const auto& program : programs()) {
            if (program.name() != "sinker") continue;
            INFO(program.path);
            Target target(program);
            auto peer = std::make_unique<Raw>(target.at("bind"));
            peer->send(handshake("PUSH"));
            for (int n = 0; n < 3000; ++n) {
                if (peer->send(frame(random_bytes(60), true) + frame("too soon"))) continue;
                peer = std::make_unique<Raw>(target.at("bind"));
                peer->send(handshake("PUSH"));
            }
            peer.reset();
            target.serve_and_end();
        }
}

TEST_CASE("hostile: a frame that says that it is too large ends its connection", "[hostile]") {
    every_target(true, [](Target& target, const std::string& endpoint, const std::string& type) {
        const std::uint64_t most = 64 << 20;
        for (const std::uint64_t size : {std::uint64_t{1} << 62, ~std::uint64_t{0}, most + 1}) {
            Raw peer(endpoint);
            CHECK(shake_hands(peer, type) != has_keys(target.program));
            peer.send(header(size));
            peer.wait_for_end();  // without one more byte of it
        }
    });
}

TEST_CASE("hostile: many connections leave nothing behind", "[hostile]") {
    const int many = std::getenv("SOAK") == nullptr ? 50 : 1000;
    every_target(true,
                 [many](Target& target, const std::string& endpoint, const std::string& type) {
                     const size_t before = target.descriptors();
                     for (int n = 0; n < many; ++n) {
                         Raw peer(endpoint);
                         if (n % 4 == 1) peer.send(greeting.substr(0, 10));
                         if (n % 4 == 2) peer.send(greeting);
                         if (n % 4 == 3) peer.send(handshake(type));
                     }
                     // Its threads may still have been about to open theirs.
                     CHECK(target.descriptors_are_back(before + 20));
                 });
}

/// A program that connects to what accepts and is no peer.
struct Misled {
    explicit Misled(const Program& which, const std::string& option) : program(which) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        const timeval limit{deadline.count(), 0};
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
        REQUIRE(bind(listener, any, size) == 0);
        REQUIRE(listen(listener, 10) == 0);
        REQUIRE(getsockname(listener, any, &size) == 0);
        Lines arguments = own_endpoints(program, folder);
        *(std::find(arguments.begin(), arguments.end(), "--" + option) + 1) =
            "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        process = std::make_unique<Process>(program.path, arguments);
    }
    ~Misled() { close(listener); }
    Misled(const Misled&) = delete;
    Misled& operator=(const Misled&) = delete;
    void answer(const std::string& bytes) const {
        const int peer = accept(listener, nullptr, nullptr);
        REQUIRE(peer != -1);
        CHECK(send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(bytes.size()));
        close(peer);
    }
    const Program& program;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    Folder folder;
    std::unique_ptr<Process> process;
};

TEST_CASE("hostile: who connects to what is no peer goes on and ends on Ctrl-C", "[hostile]") {
    std::deque<Misled> all;
    for (const auto& program : programs())
        for (const auto& endpoint : program.endpoints)
            // The secure client gives up, and says why: tested with its folder. A worker connects
            // to its senders when its sinkers are there.
            if (!endpoint.binds() && !has_keys(program) &&
                !(program.name() == "worker" && endpoint.option == "connect"))
                all.emplace_back(program, endpoint.option);
    CHECK(all.size() > 10);
    // After a protocol error libzmq does not try again: the noise is the last.
    for (const auto& answer :
         {""s, "HTTP/1.1 400 Bad Request\r\n\r\n"s, greeting, random_bytes(1000)})
        for (auto& misled : all) misled.answer(answer);
    for (auto& misled : all) {
        INFO(misled.program.path);
        CHECK(misled.process->stop(SIGINT) == (misled.program.finite ? 128 + SIGINT : 0));
    }
}
