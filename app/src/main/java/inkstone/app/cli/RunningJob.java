package inkstone.app.cli;

import inkstone.model.pipeline.CancelToken;

/** What has to be stopped when the process is asked to end. */
final class RunningJob {
  private final CancelToken cancel = new CancelToken();
  private volatile boolean stoppable;

  CancelToken cancelToken() {
    return cancel;
  }

  /** From now on the command looks at the token and ends soon after a cancel. */
  void begin() {
    stoppable = true;
  }

  void end() {
    stoppable = false;
  }

  boolean isStoppable() {
    return stoppable;
  }
}
