// Does the tasks of several senders and passes each result to one of several sinkers.
//   PULL connects tcp://127.0.0.1:5557 and tcp://127.0.0.1:5567, one to each sender
//   PUSH connects tcp://127.0.0.1:5558, one to each sinker
//   SUB connects tcp://127.0.0.1:5559, one to each sinker's control socket
//   PAIR connects inproc://PULL0, inproc://PUSH0, ..., the monitor of each PULL and PUSH
// Its other halves are sender.cpp, which deals the tasks, and sinker.cpp, which gathers the
// results.
#include <algorithm>
#include <cstdio>
#include <utility>

#include "common.hpp"
#include "connections.hpp"
#include "task.hpp"

/// A socket, the reader of its monitor, and what that has told.
struct Watched {
    Socket socket;
    Events events;
    Connections connections;
};

static Watched watched(void* context, int type, const std::string& name, int more_events = 0) {
    Socket socket(check(zmq_socket(context, type), "zmq_socket", name));
    Events events(check(zmq_socket(context, ZMQ_PAIR), "zmq_socket", "PAIR"), {socket.get()});
    const std::string monitor = "inproc://" + name;
    check(zmq_socket_monitor(socket.get(), monitor.c_str(), Connections::events | more_events),
          "zmq_socket_monitor", monitor);
    check(zmq_setsockopt(events.get(), ZMQ_RCVHWM, &no_limit, sizeof no_limit), "zmq_setsockopt",
          "ZMQ_RCVHWM");  // at a limit libzmq's thread would wait for the reader
    check(zmq_connect(events.get(), monitor.c_str()), "zmq_connect", monitor);
    return {std::move(socket), std::move(events), {}};
}

/// Waits for an event of a socket's monitor, and reads all that are there: two frames each.
static void read_events(Watched& of) {
    Message frame;
    for (int flags = 0; ready(zmq_msg_recv(frame.get(), of.events.get(), flags), "zmq_msg_recv");
         flags = ZMQ_DONTWAIT) {
        of.connections.event(frame.bytes());
        check(zmq_msg_recv(frame.get(), of.events.get(), 0), "zmq_msg_recv", "event");
    }
}

/// Reads one signal of a sinker, READY, LAST or STOP; "" where it makes no sense.
static std::string read_signal(void* control) {
    Message signal;
    check(zmq_msg_recv(signal.get(), control, 0), "zmq_msg_recv");
    std::string word(signal.bytes());
    if (zmq_msg_more(signal.get()) == 1 || (word != "READY" && word != "LAST" && word != "STOP")) {
        left_out("no signal: " + text(word));
        word.clear();
    }
    while (zmq_msg_more(signal.get()) == 1)
        check(zmq_msg_recv(signal.get(), control, 0), "zmq_msg_recv");
    return word;
}

int main(int argc, char** argv) try {
    std::vector<std::string> endpoints{"tcp://127.0.0.1:5557", "tcp://127.0.0.1:5567"};
    std::vector<std::string> sinks{"tcp://127.0.0.1:5558"}, controls{"tcp://127.0.0.1:5559"};
    int work = 0;
    bool quiet = false;
    parse(argc, argv, "does the tasks of several senders and passes the results to several sinkers",
          {{"connect ENDPOINT", &endpoints, "PULL connects, one to each sender"},
           {"sink ENDPOINT", &sinks, "PUSH connects, one to each sinker, in the senders' order"},
           {"control ENDPOINT", &controls, "SUB connects, one to each sinker's control socket"},
           {"work MS", &work, "simulated work for each task"},
           {"quiet", &quiet, quiet_help}});
    if (sinks.size() != controls.size())
        wrong_argument("--sink and --control: each sinker has one of both");

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::by_itself);
    Summary tasks("task", "tasks", quiet);
    std::vector<Watched> senders, sinkers;
    std::vector<Socket> signals;
    for (size_t i = 0; i < sinks.size(); ++i) {
        void* const push =
            sinkers.emplace_back(watched(context.get(), ZMQ_PUSH, "PUSH" + std::to_string(i)))
                .socket.get();
        check(zmq_setsockopt(push, ZMQ_LINGER, &linger_at_interrupt, sizeof linger_at_interrupt),
              "zmq_setsockopt", "ZMQ_LINGER");
        // Sending to a sinker never waits, so that a stop signal is always heard.
        check(zmq_setsockopt(push, ZMQ_SNDHWM, &no_limit, sizeof no_limit), "zmq_setsockopt",
              "ZMQ_SNDHWM");
        check(zmq_connect(push, sinks[i].c_str()), "zmq_connect", sinks[i]);
        void* const sub = check(zmq_socket(context.get(), ZMQ_SUB), "zmq_socket", "SUB");
        signals.emplace_back(sub);
        check(zmq_connect(sub, controls[i].c_str()), "zmq_connect", controls[i]);
    }
    for (size_t i = 0; i < endpoints.size(); ++i) {  // connected later
        senders.push_back(watched(context.get(), ZMQ_PULL, "PULL" + std::to_string(i),
                                  ZMQ_EVENT_CONNECT_RETRIED));
        if (over_ipc(endpoints[i]))
            check(zmq_setsockopt(senders[i].socket.get(), ZMQ_RCVHWM, &no_limit, sizeof no_limit),
                  "zmq_setsockopt", "ZMQ_RCVHWM");
    }

    // A sinker expects results for as long as somebody is connected to it. So that comes first;
    // then the subscription, which it answers with READY; then the tasks.
    if (!quiet) std::printf("waiting for the sinkers\n");
    for (auto& sinker : sinkers) {
        while (sinker.connections.peers() == 0) read_events(sinker);
        sinker.events.reset();
    }
    for (const auto& signal : signals)
        check(zmq_setsockopt(signal.get(), ZMQ_SUBSCRIBE, "", 0), "zmq_setsockopt",
              "ZMQ_SUBSCRIBE");

    std::vector<zmq_pollitem_t> items;
    for (const auto& signal : signals) items.push_back({signal.get(), 0, ZMQ_POLLIN, 0});
    for (const auto& sender : senders) items.push_back({sender.socket.get(), 0, ZMQ_POLLIN, 0});
    for (const auto& sender : senders) items.push_back({sender.events.get(), 0, ZMQ_POLLIN, 0});

    std::vector<std::string> said(signals.size());  // by each sinker: READY, then STOP
    const auto how_many = [&said](const char* word) {
        return std::count(said.begin(), said.end(), word);
    };
    const int shares = static_cast<int>(sinks.size());
    bool asking = false, last = false;  // last: no more senders, as a sinker says, maybe too soon
    Message task;
    // Nothing that is still unsent at the end is missed: each sinker has all that it wants.
    while (how_many("STOP") < std::ssize(said)) {
        // Each sinker has answered the subscription, so its stop signal will be heard, too. Now
        // tasks may come.
        if (!asking && how_many("") == 0) {
            for (size_t i = 0; i < senders.size(); ++i)
                check(zmq_connect(senders[i].socket.get(), endpoints[i].c_str()), "zmq_connect",
                      endpoints[i]);
            asking = true;
            if (!quiet) std::printf("asking for tasks\n");
        }
        const bool alone = last && std::none_of(senders.begin(), senders.end(), [](auto& sender) {
                               return sender.connections.open() > 0 || !sender.connections.tried();
                           });
        const int some = check(
            zmq_poll(items.data(), static_cast<int>(items.size()), alone ? 0 : -1), "zmq_poll");
        if (some == 0) {
            // All tasks are done. A sinker to which nobody is connected any more knows that nothing
            // more will come.
            for (const auto& sinker : sinkers)
                check(zmq_setsockopt(sinker.socket.get(), ZMQ_LINGER, &linger_for_ever,
                                     sizeof linger_for_ever),
                      "zmq_setsockopt", "ZMQ_LINGER");
            sinkers.clear();
            senders.clear();
            items.resize(signals.size());
            last = false;
            continue;
        }
        for (size_t i = 0; i < signals.size(); ++i) {
            if (items[i].revents == 0) continue;
            const std::string signal = read_signal(signals[i].get());
            if (signal == "LAST")
                last = true;
            else if (!signal.empty() && said[i] != "STOP")
                said[i] = signal;
        }
        for (size_t i = 0; i < senders.size(); ++i) {
            if (items[signals.size() + senders.size() + i].revents != 0) read_events(senders[i]);
            if (items[signals.size() + i].revents == 0) continue;
            // From each sender only a few at a time, so that no other waits.
            for (int few = work > 0 ? 1 : 1000; few > 0; --few) {
                void* const puller = senders[i].socket.get();
                if (!ready(zmq_msg_recv(task.get(), puller, ZMQ_DONTWAIT), "zmq_msg_recv")) break;
                tasks.start();
                const auto [number, sender] = task_in(task.bytes());
                if (zmq_msg_more(task.get()) == 1 || number == 0) {
                    left_out("no task: " + text(task.bytes()));
                    while (zmq_msg_more(task.get()) == 1)
                        check(zmq_msg_recv(task.get(), puller, 0), "zmq_msg_recv");
                    continue;
                }
                if (!quiet) std::printf("task %s %d\n", text(sender).c_str(), number);
                if (work > 0) interrupt.pause(work);
                const auto k = static_cast<size_t>(number % shares);
                if (!ready(zmq_msg_send(task.get(), sinkers[k].socket.get(), ZMQ_DONTWAIT),
                           "zmq_msg_send"))
                    left_out("result " + text(sender) + " " + std::to_string(number) +
                             ": no sinker at " + sinks[k]);
                else
                    ++tasks;
            }
        }
    }
    return 0;
} catch (...) {
    return exit_status();
}
