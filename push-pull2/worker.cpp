// Does the tasks of several senders, and sends each result to one of several sinkers.
//   PULL connects tcp://127.0.0.1:5557 and tcp://127.0.0.1:5567, one to each sender
//   PUSH connects tcp://127.0.0.1:5558, one to each sinker
//   SUB connects tcp://127.0.0.1:5559, one to each sinker
// Run it with sender.cpp, which distributes the tasks, and sinker.cpp, which collects the results.
#include "task.hpp"

struct Sinker {
    Socket results, control;
    bool stopped = false;
};

/// Receives a signal of a sinker: READY or STOP.
static void receive_signal(Sinker& sinker) {
    Message signal;
    check(zmq_msg_recv(signal, sinker.control, 0));
    if (signal.bytes() == "STOP") sinker.stopped = true;
    if (signal.bytes() != "STOP" && signal.bytes() != "READY") warn_ignored("signal: ", signal);
    skip_rest(signal, sinker.control);
}

int main(int argc, char** argv) try {
    std::vector<std::string> senders{"tcp://127.0.0.1:5557", "tcp://127.0.0.1:5567"};
    std::vector<std::string> sinks{"tcp://127.0.0.1:5558"}, controls{"tcp://127.0.0.1:5559"};
    int work = 0;
    parse(argc, argv, "Do the tasks of several senders; send the results to several sinkers.",
          {{"connect ENDPOINT", &senders, "where a PULL socket connects, to a sender"},
           {"sink ENDPOINT", &sinks, "where a PUSH socket connects, to a sinker"},
           {"control ENDPOINT", &controls, "where a SUB socket connects, to a sinker"},
           {"work MS", &work, "simulated work for each task"}});
    if (sinks.size() != controls.size()) reject_argument("--control: give one for each --sink");

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary tasks("task", "tasks");
    std::vector<Sinker> sinkers;
    for (size_t i = 0; i < sinks.size(); ++i) {
        Sinker sinker{Socket(zmq_socket(context, ZMQ_PUSH)), Socket(zmq_socket(context, ZMQ_SUB))};
        const int no_limit = 0;  // results queue in memory, so that sending one never delays a STOP
        check(zmq_setsockopt(sinker.results, ZMQ_SNDHWM, &no_limit, sizeof no_limit));
        check(zmq_connect(sinker.results, sinks[i].c_str()), "zmq_connect " + sinks[i]);
        check(zmq_setsockopt(sinker.control, ZMQ_SUBSCRIBE, "", 0));
        check(zmq_connect(sinker.control, controls[i].c_str()), "zmq_connect " + controls[i]);
        sinkers.push_back(std::move(sinker));
    }
    // After a first signal, STOP will arrive, too. Only then connect to the senders for tasks.
    for (auto& sinker : sinkers) receive_signal(sinker);
    std::vector<Socket> from_senders;
    for (const auto& sender : senders) {
        from_senders.push_back(Socket(zmq_socket(context, ZMQ_PULL)));
        check(zmq_connect(from_senders.back(), sender.c_str()), "zmq_connect " + sender);
    }

    std::vector<zmq_pollitem_t> items;
    for (const auto& sinker : sinkers) items.push_back({sinker.control, 0, ZMQ_POLLIN, 0});
    for (const auto& from : from_senders) items.push_back({from, 0, ZMQ_POLLIN, 0});
    const auto stopped = [](const Sinker& sinker) { return sinker.stopped; };
    Message message;
    while (!std::all_of(sinkers.begin(), sinkers.end(), stopped)) {
        check(zmq_poll(items.data(), static_cast<int>(items.size()), -1));
        for (size_t i = 0; i < sinkers.size(); ++i)
            if (items[i].revents != 0) receive_signal(sinkers[i]);
        // Read only a few tasks per sender, so that no other sender waits.
        for (const auto& from : from_senders)
            for (int n = 0; n < (work > 0 ? 1 : 100); ++n) {
                if (!check_unless_again(zmq_msg_recv(message, from, ZMQ_DONTWAIT))) break;
                if (const auto task = task_number(message)) {
                    print("task ", message);
                    interrupt.pause(work);
                    check(zmq_msg_send(message, sinkers[task % sinkers.size()].results, 0));
                    ++tasks;
                } else {
                    warn_ignored("an invalid task: ", message);
                    skip_rest(message, from);
                }
            }
    }
} catch (...) {
    return report_error();
}
