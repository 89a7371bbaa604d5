namespace Bitis.Gpu.Emulation;

/// <summary>An asynchronous copy that nobody has waited for.</summary>
/// <param name="Group">The group to which it belongs.</param>
/// <param name="Lane">Who began it.</param>
/// <param name="Target">Where it goes in shared memory.</param>
/// <param name="Data">What arrives.</param>
internal readonly record struct PendingCopy(int Group, int Lane, uint Target, byte[] Data);
