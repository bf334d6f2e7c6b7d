package inkstone.memory;

import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * The regions that checked mode allows kernels to touch. Empty and unused when {@link
 * AddressSpace#CHECKED} is off.
 */
final class LiveRegions {
  private static final ConcurrentSkipListMap<Long, Long> REGIONS = new ConcurrentSkipListMap<>();

  private LiveRegions() {}

  static void add(long address, long bytes) {
    if (AddressSpace.CHECKED) {
      REGIONS.put(address, bytes);
    }
  }

  static void remove(long address) {
    if (AddressSpace.CHECKED) {
      REGIONS.remove(address);
    }
  }

  static void check(long address, long bytes) {
    Map.Entry<Long, Long> region = REGIONS.floorEntry(address);
    if (bytes < 0 || region == null || address + bytes > region.getKey() + region.getValue()) {
      throw new IndexOutOfBoundsException(
          "kernel: access of "
              + bytes
              + " bytes at 0x"
              + Long.toHexString(address)
              + " is outside every live region"
              + (region == null
                  ? ""
                  : ", the nearest below is 0x"
                      + Long.toHexString(region.getKey())
                      + " + "
                      + region.getValue()));
    }
  }
}
