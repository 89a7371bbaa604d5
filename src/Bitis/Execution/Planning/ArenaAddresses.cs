
namespace Bitis.Execution.Planning;

/// <summary>Where the blocks of a plan are for one run: in an arena, or in memory of the caller's.</summary>
/// <remarks>An operation knows its operands by their blocks, so that many runs of one plan may go on at once.</remarks>
/// <param name="blocks">The address of each block, by its index.</param>
internal readonly unsafe struct ArenaAddresses(byte** blocks)
{
    /// <summary>The first byte of a block.</summary>
    public byte* this[ArenaBlock block] => blocks[block.Index];
}
