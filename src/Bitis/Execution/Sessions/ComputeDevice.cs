using Bitis.Execution.Sessions;

namespace Bitis;

/// <summary>What computes a session: the CPU, or a GPU of the package Bitis.Gpu.</summary>
/// <remarks>It only says where. A session opens the device, and closes it when it is disposed.</remarks>
public abstract class ComputeDevice
{
    /// <summary>Devices are those of Bitis.</summary>
    internal ComputeDevice()
    {
    }

    /// <summary>The processors of this machine.</summary>
    public static ComputeDevice Cpu { get; } = new CpuDevice();

    /// <summary>The name that people know it by.</summary>
    public abstract string Name { get; }

    /// <inheritdoc />
    public override string ToString() => Name;

    /// <summary>Prepares a float model.</summary>
    /// <exception cref="BitisException">The device cannot compute it.</exception>
    internal abstract SessionEngine Open(
        VisionModel model, SessionOptions options, CancellationToken cancellationToken);

    /// <summary>Prepares a quantized model.</summary>
    /// <exception cref="BitisException">The device cannot compute it.</exception>
    internal abstract SessionEngine Open(
        QuantizedModel model, SessionOptions options, CancellationToken cancellationToken);
}
