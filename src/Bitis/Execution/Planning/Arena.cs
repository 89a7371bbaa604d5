using Bitis.Kernels.Memory;

namespace Bitis.Execution.Planning;

/// <summary>The memory of one run of a plan.</summary>
internal sealed unsafe class Arena : IDisposable
{
    private readonly NativeBuffer<byte> _memory;
    private readonly NativeBuffer<nint> _addresses;

    /// <summary>Reserves memory for all blocks.</summary>
    /// <param name="layout">The plan's blocks.</param>
    /// <exception cref="BitisException">
    /// The blocks take more bytes than a block of memory can have, or the system has not enough memory.
    /// </exception>
    public Arena(ArenaLayout layout)
    {
        _memory = new NativeBuffer<byte>(layout.Bytes);
        _addresses = new NativeBuffer<nint>(layout.Blocks.Count);
        for (int i = 0; i < layout.Blocks.Count; i++)
            _addresses.Span[i] = (nint)_memory.Pointer + (nint)layout.Blocks[i].Offset;
    }

    /// <summary>The addresses of the blocks.</summary>
    public ArenaAddresses Addresses => new((byte**)_addresses.Pointer);

    /// <summary>Puts a block into the caller's memory, which must outlive the runs that use it.</summary>
    /// <param name="block">A block of the plan.</param>
    /// <param name="address">At least as many bytes as the block has.</param>
    public void Bind(ArenaBlock block, void* address) => _addresses.Span[block.Index] = (nint)address;

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _memory.Dispose();
        _addresses.Dispose();
    }
}
