
namespace Bitis.Execution.Planning;

/// <summary>The addresses of a plan's blocks in one run: in an arena, or in the caller's memory.</summary>
/// <remarks>An operation knows its operands by their blocks, so that many runs of one plan may go on at once.</remarks>
/// <param name="blocks">The address of each block, by its index.</param>
internal readonly unsafe struct ArenaAddresses(byte** blocks)
{
    /// <summary>The first byte of a block.</summary>
    public byte* this[ArenaBlock block] => blocks[block.Index];
}
