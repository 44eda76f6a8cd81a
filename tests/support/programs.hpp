// All programs in a table, for the tests of what they share.
#pragma once

#include <climits>
#include <functional>
#include <sstream>

#include "catch.hpp"
#include "peer.hpp"

/// An option for an endpoint: "bind REP 5555". The default is tcp://127.0.0.1:PORT for each port.
struct Endpoint {
    Endpoint(const char* text) {
        std::istringstream in(text);
        in >> option >> type;
        for (int port; in >> port;) ports.push_back(port);
    }
    std::string option, type;
    std::vector<int> ports;
};

/// Another option, its default (a regular expression), and the range of a number: "steps 3 1 400".
struct Setting {
    Setting(const char* text) { std::istringstream(text) >> option >> fallback >> least >> most; }
    std::string option, fallback;
    int least = -1, most = INT_MAX;  // -1: not a number
};

struct Program {
    std::string path;
    std::vector<Endpoint> endpoints;  // in the order in which it binds
    std::vector<Setting> settings;
    std::string summary;  // a regular expression, before the first message; "": it has none
    std::string name() const { return path.substr(path.find('/') + 1); }
    /// Whether all its endpoints are bound. Else it connects to all of them.
    bool binds() const { return !endpoints.empty() && endpoints[0].option != "connect"; }
};

inline const std::vector<Program>& programs() {
    const Setting count10 = "count 10 0", count100 = "count 100 0", endless = "count 0 0";
    const Setting interval = "interval 100 0", work = "work 0 0", patience = "patience 5000 0";
    const std::string at_once = "[0-9]+ messages?";  // of publishers
    static const std::vector<Program> all = {
        {"req-rep/server", {"bind REP 5555"}, {}, "0 requests"},
        {"req-rep/client", {"connect REQ 5555"}, {count10}, "0 replies"},
        {"retry-req-rep/client", {"connect REQ 5555"}, {count10, "timeout 1000 1"}, "0 replies"},
        {"curve-req-rep/server",
         {"bind REP 5566"},
         {"key keys/server", "allow keys/client.public"},
         "0 requests"},
        {"curve-req-rep/client",
         {"connect REQ 5566"},
         {"key keys/client", "server keys/server.public", count10},
         "0 replies"},
        {"pub-sub/publisher", {"bind PUB 5556"}, {"to sub1,.sub2", endless, interval}, at_once},
        {"pub-sub/subscriber", {"connect SUB 5556"}, {"name sub1", count10}, "0 messages"},
        {"push-pull/sender", {"bind PUSH 5557"}, {count100, "workers 1 0"}, "0 tasks"},
        {"push-pull/worker", {"connect PULL 5557", "sink PUSH 5558"}, {work}, "0 tasks"},
        {"push-pull/sinker", {"bind PULL 5558"}, {count100}, "0 of 100 results"},
        {"push-pull2/sender", {"bind PUSH 5557"}, {"name a", count100, "workers 1 0"}, "0 tasks"},
        {"push-pull2/worker",
         {"connect PULL 5557 5567", "sink PUSH 5558", "control SUB 5559"},
         {work},
         "0 tasks"},
        {"push-pull2/sinker",
         {"bind PULL 5558", "control XPUB 5559"},
         {"count 200 0", patience},
         "0 of 200 results"},
        {"ex-req-rep/proxy", {"frontend ROUTER 5559", "backend DEALER 5560"}, {}, "0 requests"},
        {"ex-req-rep/server", {"connect REP 5560"}, {"name server"}, "0 requests"},
        {"ex-req-rep/client", {"connect REQ 5559"}, {count10}, "0 replies"},
        {"ex-req-rep2/proxy",
         {"frontend ROUTER 5559", "backend DEALER 5560", "capture PUB"},
         {},
         ""},
        {"interrupt/server", {"bind REP 5555"}, {}, ""},
        {"mt-req-rep/server", {"bind ROUTER 5555"}, {"workers 4 1 400", work}, "0 requests"},
        {"mt-req-rep/client", {"connect REQ 5555"}, {"clients 4 1 400", count10}, "0 replies"},
        {"mt-ready/steps", {}, {"steps 3 1 400"}, "3 steps in order"},
        {"sync-pub-sub/publisher",
         {"bind XPUB 5561", "sync REP 5562"},
         {"subscribers 2 0", count10},
         "0 messages"},
        {"sync-pub-sub/subscriber", {"connect SUB 5561", "sync REQ 5562"}, {patience}, "0 updates"},
        {"pub-sub-envelope/publisher",
         {"bind PUB 5563"},
         {"sender none", endless, interval},
         at_once},
        {"pub-sub-envelope/subscriber", {"connect SUB 5563"}, {"key B", count10}, "0 messages"},
    };
    return all;
}

/// Whether a program, or a pattern, can run here: libzmq may have been built without CURVE.
inline bool can_run(const std::string& path) {
    return path.rfind("curve", 0) != 0 || zmq_has("curve") == 1;
}

/// Calls `test` for each program that can run here.
inline void each_program(const std::function<void(const Program&)>& test) {
    for (const auto& program : programs())
        if (can_run(program.path)) {
            INFO(program.path);
            test(program);
        }
}

/// Arguments that keep the program's key files in the folder, and put each endpoint on a free port,
/// or, if it connects, where no peer is. The endpoint of `option` is `value`.
inline Lines own_endpoints(const Program& program, const Folder& folder,
                           const std::string& option = "", const std::string& value = "") {
    const std::string own = folder.path("own");
    Lines arguments;
    if (program.path.rfind("curve", 0) == 0) arguments = {"--key", own};
    if (program.path == "curve-req-rep/client")
        arguments.insert(arguments.end(), {"--server", own + ".public"});
    for (const auto& endpoint : program.endpoints) {
        arguments.push_back("--" + endpoint.option);
        arguments.push_back(endpoint.option == option ? value
                            : program.binds()         ? any_port
                                                      : folder.endpoint("no-peer"));
    }
    return arguments;
}
